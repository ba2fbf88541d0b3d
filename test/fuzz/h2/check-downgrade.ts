/** What left over HTTP/1.1 for a request that came over HTTP/2: the same message to llhttp and to ourselves, or half of one. */
import assert from 'node:assert/strict';
import { KNOWN_METHODS, llhttpReads } from '../h1/llhttp.ts';
import { serverSees } from '../h1/view.ts';
import type { SeenRequest, Upstream } from './server-view.ts';

const OF_THIS_HOP = /^(host|content-length|transfer-encoding|connection)$/;

export function checkDowngrade(request: SeenRequest, { bytes, cut }: Upstream): void {
  const ours = serverSees([bytes]);
  const { messages: theirs, refusal } = llhttpReads('request', bytes, false, true);
  const [method = '', , path, authority] = request.fields.map(([, value]) => value);
  if (!request.done) {
    // All that Content-Length promised has come, and only END_STREAM has not: over HTTP/1.1 that is whole.
    if (request.contentLength === request.body.length) return;
    assert.ok(ours.messages.length <= 1 && ours.messages[0]?.done !== true, 'half a request is never whole to us');
    if (KNOWN_METHODS.has(method)) assert.ok(theirs[0]?.complete !== true, 'nor to llhttp');
    assert.ok(cut || request.reset === null, 'a reset goes on as one');
    return;
  }
  assert.ok(!cut, 'a whole request is not cut');
  assert.deepEqual([ours.refused, ours.messages.length], [[], 1], 'one request goes on as one');
  const [own] = ours.messages;
  // Behind content of a known length HTTP/1.1 has no place for trailers (RFC 9112 section 7.1.2).
  const trailers = request.contentLength >= 0 ? null : request.trailers;
  assert.deepEqual(
    [own?.method, own?.target, own?.authority, own?.body, own?.trailers, own?.done],
    [method, path, authority, request.body, trailers, true],
  );
  if (!KNOWN_METHODS.has(method)) return;
  assert.deepEqual([theirs.length, refusal], [1, '']);
  const [their] = theirs;
  assert.ok(their?.complete && !their.upgrade);
  assert.deepEqual([their.method, their.url, their.body], [method, path, request.body]);
  const fields = pairs(their.fields).map(([name, value]) => [name.toLowerCase(), value] as const);
  const of = (name: string): string[] => fields.filter(([each]) => each === name).map(([, value]) => value);
  assert.deepEqual(of('host'), [authority]);
  const length = of('content-length');
  const codings = of('transfer-encoding');
  assert.ok(length.length + codings.length <= 1, 'one framing');
  assert.ok(
    codings.every((coding) => coding === 'chunked') && length.every((text) => text === String(request.body.length)),
  );
  const said = request.fields.filter(([name]) => !name.startsWith(':'));
  assert.deepEqual(sorted(fields.filter(([name]) => !OF_THIS_HOP.test(name))), sorted(said));
  assert.deepEqual(
    pairs(their.trailers).map((pair) => pair.join('=')),
    trailers ?? [],
  );
}

function pairs(list: readonly string[]): [string, string][] {
  return Array.from({ length: list.length / 2 }, (_, i) => [list[2 * i] ?? '', list[2 * i + 1] ?? '']);
}

function sorted(fields: readonly (readonly [string, string])[]): string[] {
  return fields.map(([name, value]) => `${name}: ${value}`).toSorted();
}
