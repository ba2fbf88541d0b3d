/** Requests over the client end, against servers that behave and servers that do not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UPGRADE } from '../field-name.ts';
import { FRAMING } from '../framing.ts';
import { Head, UPGRADE_STATE } from '../head.ts';
import { RESET } from '../message.ts';
import { ERROR } from './error-code.ts';
import { FRAME } from './frame.ts';
import { SETTING } from './settings.ts';
import { Dialled, OK, send } from './test/dial.ts';
import { block, data, frame, goaway, headers, rst, settings } from './test/frames.ts';
import { described } from './test/serve.ts';
import { Recorder } from '../h1/test/recorder.ts';

const status = (code: number, ...fields: readonly (readonly [string, string])[]) =>
  [[':status', String(code)], ...fields] as const;

test('a request leaves at once, also before the server has spoken or the connection is open', () => {
  const d = new Dialled();
  d.ask();
  const frames = d.take();
  assert.deepEqual(described(frames), ['settings', 'windowUpdate 0 4128769', 'headers 1 end']);
  assert.deepEqual(d.fields(frames[2]), ['GET a /', 'host: a']);
});

test('a response comes back with its content and trailers, and the stream is over', () => {
  const d = new Dialled().begin();
  const { r, stream } = d.ask('POST', false);
  send(stream, 'abc', true);
  assert.deepEqual(described(d.take()), ['headers 1', 'data 1 3 end']);
  d.feed(headers(1, status(200, ['x-a', 'b']), false), data(1, 'hi'), headers(1, [['grpc-status', '0']], true));
  assert.deepEqual([r.head?.status, r.body, r.trailers], [200, 'hi', ['grpc-status=0']]);
  assert.equal(d.client.active, 0);
  stream.reset(RESET.cancelled);
  assert.deepEqual(described(d.take()), []);
});

test('interim responses come first, and too many of them end the stream', () => {
  const d = new Dialled({ maxInterim: 3 }).begin();
  const { r } = d.ask();
  const early = headers(1, status(103), false);
  d.feed(early, early, early);
  assert.deepEqual(r.interim, [103, 103, 103]);
  d.feed(early);
  assert.deepEqual([r.reset, d.limits], [RESET.limit, ['h2.interim_responses']]);
});

test('what has no content by its status or method may tell of its length, and has no content', () => {
  const d = new Dialled().begin();
  const head = d.ask('HEAD');
  d.feed(headers(1, status(200, ['content-length', '10']), true));
  assert.deepEqual([head.r.done, head.r.head?.contentLength], [true, 10]);
  const none = d.ask();
  d.feed(headers(3, status(204), false), data(3, 'x'));
  assert.equal(none.r.reset, RESET.protocol);
  const short = d.ask();
  d.feed(headers(5, status(200, ['content-length', '10']), true));
  assert.deepEqual([short.r.head, short.r.reset], [null, RESET.protocol]);
});

test('a server that says how many streams it takes is never sent more, and room is told of', () => {
  const d = new Dialled().begin([SETTING.maxConcurrentStreams, 2]);
  d.ask();
  assert.equal(d.client.room, 1);
  d.ask();
  assert.equal(d.client.room, 0);
  assert.throws(() => d.client.open(new Recorder()), { code: 'internal' });
  d.feed(headers(1, OK, true));
  // Once with the first SETTINGS, once when a stream had ended.
  assert.deepEqual([d.client.room, d.rooms], [1, 2]);
  d.feed(settings([SETTING.maxConcurrentStreams, 5]));
  assert.equal(d.client.room, 4);
});

test('after GOAWAY streams above its last id were refused, those below go on, and the connection ends after them', () => {
  const d = new Dialled().begin();
  const first = d.ask();
  const second = d.ask();
  const waiting = new Recorder();
  d.client.open(waiting);
  d.feed(goaway(1, ERROR.none));
  assert.deepEqual([first.r.reset, second.r.reset, waiting.reset], [null, RESET.refused, RESET.refused]);
  assert.deepEqual([d.client.room, d.drainings, d.gone.length], [0, 1, 0]);
  d.feed(headers(1, OK, true));
  assert.equal(first.r.done, true);
  assert.deepEqual([d.connection.ended, d.gone.length], [true, 1]);
});

test('a two-step GOAWAY loses nothing: the first refuses no stream that has left', () => {
  const d = new Dialled().begin();
  const { r } = d.ask();
  d.feed(goaway(2 ** 31 - 1, ERROR.none));
  assert.equal(r.reset, null);
  d.feed(goaway(1, ERROR.none), headers(1, OK, true));
  assert.deepEqual([r.done, d.drainings], [true, 1]);
});

test('what a reset by the server means for the request', () => {
  const cases = [
    [ERROR.refusedStream, RESET.refused],
    [ERROR.cancel, RESET.aborted],
    [ERROR.internal, RESET.aborted],
    [ERROR.protocol, RESET.protocol],
    [ERROR.enhanceYourCalm, RESET.limit],
  ] as const;
  for (const [code, reason] of cases) {
    const d = new Dialled().begin();
    const { r } = d.ask();
    d.feed(rst(1, code));
    assert.deepEqual([r.reset, d.client.active], [reason, 0]);
  }
});

test('why a request fails with its connection: never open, dead when it left, or lost on the way', () => {
  const closed = new Dialled();
  const a = closed.ask();
  closed.connection.destroy('refused');
  assert.deepEqual([a.r.reset, closed.gone], [RESET.connect, ['refused']]);

  const dead = new Dialled().begin();
  dead.ask();
  dead.feed(headers(1, OK, true));
  const b = dead.ask();
  dead.connection.destroy('reset');
  assert.equal(b.r.reset, RESET.stale);

  const lost = new Dialled().begin();
  const c = lost.ask();
  lost.feed(headers(1, OK, false));
  lost.connection.destroy('reset');
  assert.equal(c.r.reset, RESET.connection);
});

test('a reset by us tells the server, once, and what was under way is ignored', () => {
  const d = new Dialled().begin();
  const { r, stream } = d.ask();
  stream.reset(RESET.timeout);
  stream.reset(RESET.timeout);
  assert.deepEqual(described(d.take()), ['headers 1 end', 'rstStream 1 cancel']);
  d.feed(headers(1, OK, false), data(1, 'late'));
  assert.deepEqual([r.head, r.reset, d.gone.length], [null, null, 0]);
});

test('servers that break the protocol lose the stream, or the connection where tables or order are in doubt', () => {
  const bad: readonly (readonly [string, Buffer, 'stream' | 'connection'])[] = [
    ['no status', headers(1, [['x', 'y']], false), 'stream'],
    ['two statuses', headers(1, [...OK, ...OK], false), 'stream'],
    ['101', headers(1, status(101), false), 'stream'],
    ['an interim response that ends the stream', headers(1, status(100), true), 'stream'],
    ['an HTTP/1.1 field', headers(1, status(200, ['transfer-encoding', 'chunked']), false), 'stream'],
    ['response splitting', headers(1, status(200, ['x', 'a\r\nset-cookie: b']), false), 'stream'],
    ['content before the head', data(1, 'x'), 'stream'],
    ['content after the end', Buffer.concat([headers(1, OK, false), data(1, '', true), data(1, 'x')]), 'stream'],
    ['a head for nobody', headers(7, OK, true), 'connection'],
    ['a stream of its own', headers(2, OK, true), 'connection'],
    ['a pushed promise', frame(FRAME.pushPromise, 4, 1, Buffer.concat([Buffer.alloc(4), block(OK)])), 'connection'],
    ['a section that cannot be decoded', frame(FRAME.headers, 4, 1, Buffer.from([0xff, 0xff, 0xff])), 'connection'],
    ['permission to push', settings([SETTING.enablePush, 1]), 'connection'],
  ];
  for (const [name, bytes, scope] of bad) {
    const d = new Dialled().begin();
    // Stays open after its answer, so that what follows is judged too.
    const { r } = d.ask('POST', false);
    const other = d.ask();
    d.feed(bytes);
    assert.equal(r.reset, RESET.protocol, name);
    assert.equal(other.r.reset, scope === 'stream' ? null : RESET.protocol, name);
    assert.equal(d.gone.length, scope === 'stream' ? 0 : 1, name);
  }
});

test('CONNECT opens a tunnel with a 2xx, in which each direction ends for itself', () => {
  const d = new Dialled().begin();
  const { r, stream } = d.ask('CONNECT');
  assert.deepEqual(described(d.take()), ['headers 1']);
  d.feed(headers(1, OK, false), data(1, 'from afar'));
  assert.deepEqual([r.head?.framing, r.body], [FRAMING.tunnel, 'from afar']);
  send(stream, 'to there', true);
  assert.deepEqual(described(d.take()), ['data 1 8 end']);
  d.feed(data(1, '', true));
  assert.deepEqual([r.done, d.client.active], [true, 0]);
});

function upgrade(): Head {
  const head = Head.request('GET', '/chat', 'a');
  head.appendText(UPGRADE, 'websocket');
  head.upgrade = UPGRADE_STATE.granted;
  return head;
}

test('an upgrade goes as extended CONNECT once the server has said that it takes them, and comes back as 101', () => {
  const d = new Dialled();
  d.client.onOpen();
  const r = new Recorder();
  const stream = d.client.open(r);
  const head = upgrade();
  stream.sendHead(head, true);
  send(stream, 'early', false);
  d.take();
  d.feed(settings([SETTING.enableConnectProtocol, 1]));
  assert.deepEqual(described(d.take()), ['settings ack', 'headers 1', 'data 1 5']);
  head.free();
  d.feed(headers(1, OK, false), data(1, 'hello'));
  assert.deepEqual(
    [r.head?.status, r.head?.upgrade, r.head?.value(UPGRADE)],
    [101, UPGRADE_STATE.granted, 'websocket'],
  );
  assert.deepEqual([r.head?.framing, r.body], [FRAMING.tunnel, 'hello']);
});

test('a server without extended CONNECT gets none', () => {
  const d = new Dialled().begin();
  const r = new Recorder();
  const head = upgrade();
  d.client.open(r).sendHead(head, true);
  head.free();
  assert.equal(r.reset, RESET.protocol);
  assert.deepEqual([d.take().length, d.client.active], [0, 0]);
});

test('trailers wait behind content that may not leave yet', () => {
  const d = new Dialled().begin([SETTING.initialWindowSize, 2]);
  const { stream } = d.ask('POST', false);
  send(stream, 'abcd', false);
  const fields = new Head();
  fields.appendText(UPGRADE, 'never written');
  fields.setText(UPGRADE, 'neither');
  stream.sendTrailers(fields);
  fields.free();
  assert.deepEqual(described(d.take()), ['headers 1', 'data 1 2']);
  d.feed(settings([SETTING.initialWindowSize, 10]));
  assert.deepEqual(described(d.take()), ['settings ack', 'data 1 2', 'headers 1 end']);
});

test('close lets streams in flight end, and says goodbye', () => {
  const d = new Dialled().begin();
  const { r } = d.ask();
  d.client.close();
  assert.equal(d.client.room, 0);
  d.take();
  d.feed(headers(1, OK, true));
  assert.equal(r.done, true);
  assert.deepEqual(described(d.take()), ['goaway 0 none']);
  assert.deepEqual([d.connection.ended, d.gone.length], [true, 1]);
});

test('content that does not add up to what the head promised resets the stream instead of looking whole', () => {
  const d = new Dialled().begin();
  for (const text of ['ab', 'abcd']) {
    const r = new Recorder();
    const stream = d.client.open(r);
    const head = Head.request('POST', '/', 'a');
    head.contentLength = 3;
    stream.sendHead(head, false);
    head.free();
    send(stream, text, true);
    assert.equal(r.reset, RESET.protocol);
  }
  assert.deepEqual(described(d.take()), ['headers 1', 'rstStream 1 internal', 'headers 3', 'rstStream 3 internal']);
});
