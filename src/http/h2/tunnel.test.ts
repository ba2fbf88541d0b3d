/** Streams that became tunnels carry DATA and nothing else (RFC 9113 section 8.5), at either end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Head } from '../head.ts';
import { RESET } from '../message.ts';
import { Dialled, OK } from './test/dial.ts';
import { data, headers } from './test/frames.ts';
import { described, Served } from './test/serve.ts';

const CONNECT = [
  [':method', 'CONNECT'],
  [':authority', 'a:80'],
] as const;
const TRAILERS = [['x-end', '1']] as const;

function respond(s: Served, status: number): void {
  const head = Head.response(status);
  s.stream().sendHead(head, status >= 300);
  head.free();
}

test('trailers on a connected stream reset it, and are nobody’s end of file', () => {
  const s = new Served().begin();
  s.feed(headers(1, CONNECT, false));
  respond(s, 200);
  s.feed(data(1, 'x'), headers(1, TRAILERS));
  assert.deepEqual([s.receiver().body, s.receiver().trailers, s.receiver().reset], ['x', null, RESET.protocol]);
  assert.deepEqual(described(s.take()), ['headers 1', 'rstStream 1 protocol']);

  const d = new Dialled().begin();
  const { r } = d.ask('CONNECT');
  d.feed(headers(1, OK, false), data(1, 'x'), headers(1, TRAILERS));
  assert.deepEqual([r.body, r.trailers, r.reset, d.gone.length], ['x', null, RESET.protocol, 0]);
});

test('trailers that come before the answer do not end what waits for the tunnel', () => {
  const s = new Served().begin();
  s.feed(headers(1, CONNECT, false), data(1, 'x'), headers(1, TRAILERS));
  assert.equal(s.receiver().reset, RESET.protocol);
  assert.deepEqual(described(s.take()), ['rstStream 1 protocol']);
});

test('trailers behind a refused tunnel are read away with the rest', () => {
  const s = new Served().begin();
  s.feed(headers(1, CONNECT, false));
  respond(s, 403);
  s.feed(data(1, 'x'), headers(1, TRAILERS));
  assert.deepEqual(described(s.take()), ['headers 1 end']);
  assert.equal(s.server.active, 0);
});
