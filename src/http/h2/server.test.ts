/** Requests and responses over the server end: what a receiver hears, and which frames leave. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Head, UPGRADE_STATE } from '../head.ts';
import { RESET } from '../message.ts';
import { FRAME } from './frame.ts';
import { SETTING } from './settings.ts';
import { data, frame, GET, headers, hello, POST, ping, rst, settings } from './test/frames.ts';
import { described, Served } from './test/serve.ts';

function respond(s: Served, index: number, status: number, body: string, last = true): void {
  const head = Head.response(status);
  head.contentLength = body === '' || !last ? -1 : body.length;
  const stream = s.stream(index);
  stream.sendHead(head, body === '' && last);
  head.free();
  if (body !== '') stream.sendData(Buffer.from(body), 0, body.length, last);
}

test('a request comes with its pseudo-header fields in the head, and its response is HEADERS and DATA', () => {
  const s = new Served().begin();
  s.feed(headers(1, [...GET, ['x-a', 'b']]));
  const { head, done } = s.receiver();
  assert.deepEqual([head?.methodText, head?.pathText, head?.authorityText, head?.version], ['GET', '/', 'a', 20]);
  assert.equal(done, true);
  respond(s, 0, 200, 'hello');
  const frames = s.take();
  assert.deepEqual(described(frames), ['headers 1', 'data 1 5 end']);
  assert.deepEqual(s.fields(frames[0] as never), ['200', 'content-length: 5']);
  assert.equal(s.server.idle, true);
});

test('the server speaks first: SETTINGS and the window of the connection', () => {
  const s = new Served();
  assert.deepEqual(described(s.take()), ['settings', 'windowUpdate 0 4128769']);
});

test('content comes piece by piece, and its trailers end it', () => {
  const s = new Served().begin();
  s.feed(headers(1, POST, false), data(1, 'ab'), data(1, 'cd'));
  assert.deepEqual([s.receiver().body, s.receiver().done], ['abcd', false]);
  s.feed(frame(FRAME.headers, 5, 1, Buffer.from('\x00\x01x\x01y', 'latin1')));
  assert.deepEqual(s.receiver().trailers, ['x=y']);
});

test('a response may be whole before its request: the rest of that is read for a while, then reset without an error', () => {
  const s = new Served({ lingerMs: 100 }).begin();
  s.feed(headers(1, POST, false));
  respond(s, 0, 413, '');
  s.stream().discard();
  assert.deepEqual(described(s.take()), ['headers 1 end']);
  s.feed(data(1, 'more'));
  s.time.advance(300);
  assert.deepEqual(described(s.take()), ['rstStream 1 none']);
  s.feed(data(1, 'late'));
  assert.deepEqual(described(s.take()), []);
  assert.equal(s.server.idle, true);
});

test('a reset by the client reaches the receiver once, and the slot is free', () => {
  const s = new Served().begin();
  s.feed(headers(1), rst(1, 8));
  assert.equal(s.receiver().reset, RESET.cancelled);
  respond(s, 0, 200, 'late');
  assert.deepEqual(described(s.take()), []);
  assert.equal(s.server.idle, true);
});

test('frames of streams that we reset are ignored, frames of others that are over are not', () => {
  const s = new Served().begin();
  s.feed(headers(1, POST, false), headers(3, POST, false));
  s.stream(0).reset(RESET.cancelled);
  s.feed(data(1, 'x'), headers(1), data(3, 'x', true));
  assert.deepEqual(described(s.take()), ['rstStream 1 cancel']);
  respond(s, 1, 200, '');
  s.feed(data(3, 'x'));
  assert.deepEqual(described(s.take()), ['headers 3 end', 'rstStream 3 streamClosed']);
});

test('DATA that does not add up to Content-Length never reaches its receiver as a whole message', () => {
  for (const [content, last] of [
    ['ab', true],
    ['abcd', false],
  ] as const) {
    const s = new Served().begin();
    s.feed(headers(1, [...POST, ['content-length', '3']], false), data(1, content, last));
    assert.deepEqual([s.receiver().done, s.receiver().reset], [false, RESET.protocol]);
    assert.deepEqual(described(s.take()), ['rstStream 1 protocol']);
  }
});

test('a malformed request is reset before anybody hears of it, and counted', () => {
  const s = new Served().begin();
  s.feed(headers(1, [...GET, ['connection', 'close']]), headers(3, GET.slice(1)), headers(5));
  assert.deepEqual(described(s.take()), ['rstStream 1 protocol', 'rstStream 3 protocol']);
  assert.deepEqual([s.refused.length, s.streams.length], [2, 1]);
});

test('a drain announces the end, waits for the client to hear of it, names the last stream and finishes it', () => {
  const s = new Served().begin();
  s.feed(headers(1));
  s.server.drain();
  const [first, question] = s.take();
  assert.deepEqual(described([first as never, question as never]), ['goaway 2147483647 none', 'ping']);
  // It was under way when the client heard.
  s.feed(headers(3), ping(question?.payload.toString('latin1'), true));
  assert.deepEqual(described(s.take()), ['goaway 3 none']);
  s.feed(headers(5));
  assert.equal(s.streams.length, 2);
  respond(s, 0, 200, '');
  assert.equal(s.connection.ended, false);
  respond(s, 1, 200, '');
  assert.equal(s.connection.ended, true);
});

test('a drain does not wait for a client that answers no PING', () => {
  const s = new Served({ drainGraceMs: 50 }).begin();
  s.server.drain();
  s.time.advance(100);
  assert.deepEqual(described(s.take()), ['goaway 2147483647 none', 'ping', 'goaway 0 none']);
  assert.equal(s.connection.ended, true);
});

test('an extended CONNECT is an upgrade inside, and what comes ahead waits for the tunnel', () => {
  const s = new Served().begin();
  const connect = [[':method', 'CONNECT'], [':protocol', 'websocket'], ...GET.slice(1)] as const;
  s.feed(headers(1, connect, false), data(1, 'early'));
  const r = s.receiver();
  assert.deepEqual([r.head?.methodText, r.done, r.body], ['GET', true, '']);
  const head = Head.response(101);
  head.upgrade = UPGRADE_STATE.granted;
  s.stream().sendHead(head, false);
  const [answer] = s.take();
  assert.deepEqual(s.fields(answer as never), ['200']);
  assert.equal(r.body, 'early');
  s.feed(data(1, ' late', true));
  assert.deepEqual([r.body, r.done], ['early late', true]);
});

test('what was asked before the client half-closed is answered, then the connection ends', () => {
  const s = new Served().begin();
  s.feed(headers(1));
  s.connection.fin();
  respond(s, 0, 200, 'x');
  assert.deepEqual(described(s.take()), ['headers 1', 'data 1 1 end']);
  assert.equal(s.connection.closed, true);
  assert.equal(s.closed, 1);
});

test('a half-closed client gives no more credit: what needs some ends with it', () => {
  for (const sendsFirst of [true, false]) {
    const s = new Served().begin([SETTING.initialWindowSize, 1]);
    s.feed(headers(1), headers(3, POST, false));
    if (sendsFirst) respond(s, 0, 200, 'xy');
    s.connection.fin();
    assert.equal(s.receiver(1).reset, RESET.connection);
    if (!sendsFirst) respond(s, 0, 200, 'xy');
    assert.deepEqual([s.connection.closed, s.server.active], [true, 0]);
  }
});

test('the preface may be read by whoever detected the protocol, and must be right', () => {
  const s = new Served();
  s.take();
  s.connection.feed('GET / HTTP/1.1\r\n\r\n');
  assert.deepEqual(described(s.take()), ['goaway 0 protocol']);
  const other = new Served();
  other.connection.feed(Buffer.concat([hello().subarray(0, 24), settings(), headers(1)]));
  assert.equal(other.streams.length, 1);
});
