/** The promises of the server end, held against one connection. */
import assert from 'node:assert/strict';
import { pooledStorages } from '../../../src/http/head-storage.ts';
import { FRAME } from '../../../src/http/h2/frame.ts';
import { BLOCK } from '../../../src/http/h2/hpack/decoder.ts';
import { LIMIT } from '../../../src/http/h2/limits.ts';
import { SETTING } from '../../../src/http/h2/settings.ts';
import type { Rng } from '../driver/rng.ts';
import { cutAtRandom, singleBytes } from '../h1/cut.ts';
import { type Plain, plainly } from './plain-reader.ts';
import { APP, type App, type ServerView, startServer } from './server-view.ts';
import { writtenWell } from './written.ts';

const MAX_SINGLE_BYTES = 400;
const LIMIT_NAMES = new Set<string>(Object.values(LIMIT));
type Ending = 'fin' | 'cut' | 'silence';

function serverSees(app: App, reads: readonly Buffer[], how: Ending): ServerView {
  const server = startServer(app);
  for (const read of reads) server.feed(read);
  return server.finish(how);
}

/** Throws when one is broken; returns what happened in a few words, and the view. */
export function checkServer(app: App, bytes: Buffer, random: Rng): { answer: string; view: ServerView; plain: Plain } {
  const how = random.pick(['fin', 'fin', 'cut', 'silence'] as const);
  const before = pooledStorages();
  const plain = plainly(bytes);
  const whole = serverSees(app, [bytes], how);
  const seen = comparable(whole, plain);
  const cut = serverSees(app, cutAtRandom(bytes, random), how);
  // When credit is given decides what is too much, and reads decide when it is given; and in silence they decide how
  // long it is to the first bound.
  const isTimed = app === APP.frugal || how === 'silence';
  if (app === APP.frugal) for (const view of [whole, cut]) withinWindows(view);
  if (isTimed) writtenWell(cut.frames, BLOCK.response, plain.granted);
  else assert.deepEqual(comparable(cut, plain), seen, 'random reads');
  if (bytes.length <= MAX_SINGLE_BYTES && !isTimed) {
    assert.deepEqual(comparable(serverSees(app, singleBytes(bytes), how), plain), seen, 'single bytes');
  }
  assert.ok(pooledStorages() >= before, 'every head gave its storage back');
  assert.deepEqual(whole.left, [0, 1], 'no stream is left, and the end was told once');
  for (const name of whole.limits) assert.ok(LIMIT_NAMES.has(name), `${name} is a bound`);
  for (const request of whole.requests) {
    const { id, body, done, contentLength, isTunnel, trailers } = request;
    const sent = plain.streams.get(id);
    assert.ok(sent !== undefined && sent.body.startsWith(body), 'content is what DATA carried');
    // Whoever resets or discards hears no more.
    const hears = app !== APP.reset && app !== APP.early && !isTunnel;
    assert.ok(done || request.reset !== null || !hears, 'every request ends');
    if (!done || isTunnel) continue;
    assert.ok(sent.ended, 'whole only with END_STREAM');
    assert.equal(body, sent.body, 'and with all of its content');
    if (contentLength >= 0) assert.equal(body.length, contentLength, 'as long as it said');
    if (trailers !== null) assert.ok(sent.heads >= 2);
  }
  const requests = whole.requests.map(({ done, reset, trailers, body }) =>
    [done ? '!' : '?', reset ?? '', trailers === null ? '' : 't', body === '' ? '' : 'b'].join(''),
  );
  const detail = [...new Set(whole.refused.map(([, text]) => text))];
  return { answer: [requests.slice(0, 3).join(), detail.join(), whole.limits.join()].join(' '), view: whole, plain };
}

/** Nobody is handed more than the window and the credit that was given. */
function withinWindows({ requests, frames }: ServerView): void {
  for (const { id, body } of requests) {
    let window = 0;
    for (const { type, id: of, payload } of frames) {
      if (type === FRAME.windowUpdate && of === id) window += payload.readUInt32BE(0);
      // Our SETTINGS say only what a stream may begin with; it grows at most so far.
      if (type === FRAME.settings) window += settingOf(payload, SETTING.initialWindowSize);
    }
    assert.ok(body.length <= window, `${body.length} bytes of ${window}`);
  }
}

function settingOf(payload: Buffer, id: number): number {
  for (let at = 0; at + 6 <= payload.length; at += 6) {
    if (payload.readUInt16BE(at) === id) return payload.readUInt32BE(at + 2);
  }
  return 0;
}

/** What reads must not change. */
function comparable(view: ServerView, plain: Plain): unknown {
  return {
    requests: view.requests,
    refused: view.refused,
    limits: view.limits,
    ended: view.ended,
    written: writtenWell(view.frames, BLOCK.response, plain.granted),
    upstream: view.upstream.map((up) => up !== null && up.cut),
  };
}
