/** The promises of the client end, held against one connection. */
import assert from 'node:assert/strict';
import { pooledStorages } from '../../../src/http/head-storage.ts';
import { BLOCK } from '../../../src/http/h2/hpack/decoder.ts';
import { LIMIT } from '../../../src/http/h2/limits.ts';
import type { Rng } from '../driver/rng.ts';
import { cutAtRandom, singleBytes } from '../h1/cut.ts';
import { llhttpReads } from '../h1/llhttp.ts';
import { clientSees as http1ClientSees } from '../h1/view.ts';
import { type ClientView, type SeenResponse, startClient } from './client-view.ts';
import { type Plain, plainly } from './plain-reader.ts';
import { writtenWell } from './written.ts';

const MAX_SINGLE_BYTES = 400;
const LIMIT_NAMES = new Set<string>(Object.values(LIMIT));
type Ending = 'fin' | 'cut' | 'silence';

function clientSees(reads: readonly Buffer[], how: Ending): ClientView {
  const client = startClient();
  for (const read of reads) client.feed(read);
  return client.finish(how);
}

export function checkClient(bytes: Buffer, random: Rng): string {
  const how = random.pick(['fin', 'fin', 'cut', 'silence'] as const);
  const before = pooledStorages();
  const plain = plainly(bytes);
  const whole = clientSees([bytes], how);
  const seen = comparable(whole, plain);
  const cut = comparable(clientSees(cutAtRandom(bytes, random), how), plain);
  // In silence reads decide how long it is to the first bound.
  if (how !== 'silence') assert.deepEqual(cut, seen, 'random reads');
  if (bytes.length <= MAX_SINGLE_BYTES && how !== 'silence') {
    assert.deepEqual(comparable(clientSees(singleBytes(bytes), how), plain), seen, 'single bytes');
  }
  assert.ok(pooledStorages() >= before, 'every head gave its storage back');
  const [active, gone, drainings] = whole.left;
  assert.deepEqual([active, gone], [0, 1], 'no stream is left, and the end was told once');
  assert.ok(drainings <= 1);
  for (const name of whole.limits) assert.ok(LIMIT_NAMES.has(name), `${name} is a bound`);
  for (const response of whole.responses) checkResponse(response, plain);
  const said = whole.responses.map(
    ({ status, done, reset, trailers, interim }) =>
      `${status}${done ? '!' : '?'}${reset ?? ''}${trailers === null ? '' : 't'}${interim.length}`,
  );
  return `${said.join()} ${whole.limits.join()} ${drainings}`;
}

function checkResponse(response: SeenResponse, plain: Plain): void {
  const { id, method, status, body, done, reset, contentLength, isTunnel } = response;
  const sent = plain.streams.get(id) ?? { body: '', ended: false, heads: 0 };
  assert.ok(sent.body.startsWith(body), 'content is what DATA carried');
  assert.ok(done || reset !== null, 'every response ends');
  if (!done || reset !== null || isTunnel) return;
  const isBare = method === 'HEAD' || status === 204 || status === 304;
  assert.ok(sent.ended, 'whole only with END_STREAM');
  assert.equal(body, sent.body, 'and with all of its content');
  if (isBare) assert.equal(body, '');
  else if (contentLength >= 0) assert.equal(body.length, contentLength, 'as long as it said');
  if (response.downstream !== null) goesOn(response, response.downstream);
}

/** One response, to ourselves and to llhttp, and the same as the one that came. */
function goesOn({ method, status, body, fields }: SeenResponse, written: Buffer): void {
  const again = http1ClientSees([written], method);
  assert.ok(again.message.done && again.message.reset === null && again.kept, 'we read what we write, and its end');
  assert.deepEqual([again.message.status, again.message.body], [status, body]);
  const { messages, refusal } = llhttpReads('response', written, method === 'HEAD', true);
  assert.deepEqual([messages.length, refusal], [1, '']);
  const [their] = messages;
  assert.ok(their?.complete);
  assert.deepEqual([their.status, their.body], [status, body]);
  const names = their.fields.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
  for (const [name] of fields) if (!name.startsWith(':')) assert.ok(names.includes(name), `${name} goes on`);
}

function comparable(view: ClientView, plain: Plain): unknown {
  const { responses, limits, ended, left } = view;
  return { responses, limits, ended, left, written: writtenWell(view.frames, BLOCK.request, plain.granted) };
}
