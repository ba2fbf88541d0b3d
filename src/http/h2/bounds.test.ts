/** Every bound of a connection fires: by its name, with the right code, and not before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Head } from '../head.ts';
import { RESET } from '../message.ts';
import type { ERROR } from './error-code.ts';
import { FRAME } from './frame.ts';
import { type Http2Limits, LIMIT } from './limits.ts';
import { SETTING } from './settings.ts';
import { Dialled, OK, send } from './test/dial.ts';
import {
  block,
  data,
  frame,
  GET,
  headers,
  hello,
  ping,
  POST,
  priority,
  rst,
  settings,
  windowUpdate,
} from './test/frames.ts';
import { described, Served } from './test/serve.ts';

const CALM = 'enhanceYourCalm';

/** The last frame of a connection that has ended, and the bounds that fired. */
function end(s: Served): [string | undefined, string[]] {
  const last = described(s.take()).at(-1);
  return [last?.replace(/goaway \d+ /, ''), s.limits];
}

const NONE: Partial<Http2Limits> = { controlFrameBurst: 20, controlFramesPerSecond: 0 };

test('frames that ask for work and bring none have a budget, and each kind its name', () => {
  const kinds: readonly (readonly [string, Buffer])[] = [
    [LIMIT.settings, settings()],
    [LIMIT.pings, ping()],
    [LIMIT.pings, ping('unasked!', true)],
    [LIMIT.priorities, priority(99, 1)],
    [LIMIT.windowUpdates, windowUpdate(0, 1)],
    [LIMIT.emptyData, data(1, '')],
    [LIMIT.otherFrames, frame(0x42, 0, 1, 'what')],
    [LIMIT.lateFrames, rst(3, 8)],
    [LIMIT.lateFrames, windowUpdate(3, 1)],
  ];
  for (const [name, bytes] of kinds) {
    const s = new Served(NONE).begin();
    s.feed(headers(1, POST, false), headers(3));
    s.stream(1).reset(RESET.cancelled);
    for (let i = 0; i < 40 && s.limits.length === 0; i++) s.feed(bytes);
    assert.deepEqual(end(s), [CALM, [name]], name);
    assert.equal(s.receiver().reset, RESET.limit);
  }
});

test('the budget for control frames comes back with time and with what a connection carries', () => {
  const s = new Served({ controlFrameBurst: 20, controlFramesPerSecond: 10 }).begin();
  for (let i = 0; i < 17; i++) s.feed(ping());
  s.time.advance(1_000);
  for (let i = 0; i < 10; i++) s.feed(ping());
  assert.deepEqual(s.limits, []);
  s.feed(headers(1), headers(3));
  for (let i = 0; i < 16; i++) s.feed(ping());
  assert.deepEqual(s.limits, []);
});

test('WINDOW_UPDATE for content that was sent costs nothing, crumbs for a window that is used up do', () => {
  const s = new Served(NONE).begin();
  s.feed(headers(1));
  const head = Head.response(200);
  s.stream().sendHead(head, false);
  for (let i = 0; i < 100; i++) {
    s.stream().sendData(Buffer.alloc(1_000), 0, 1_000, false);
    s.feed(windowUpdate(0, 1_000), windowUpdate(1, 1_000));
  }
  assert.deepEqual(s.limits, []);
  s.stream().sendData(Buffer.alloc(100_000), 0, 100_000, false);
  s.feed(windowUpdate(0, 100_000));
  assert.deepEqual(s.limits, []);
  for (let i = 0; i < 10; i++) s.feed(windowUpdate(1, 1));
  assert.deepEqual(end(s), [CALM, [LIMIT.windowUpdates]]);
});

test('calls of C-core, which credits the few bytes of each answer at once and probes often, go on for ever', () => {
  const s = new Served({ controlFrameBurst: 100, controlFramesPerSecond: 0 }).begin();
  for (let call = 0; call < 1_000; call++) {
    const id = 2 * call + 1;
    s.feed(headers(id, POST, false), data(id, 'hello', true));
    const head = Head.response(200);
    s.stream(s.streams.length - 1).sendHead(head, false);
    s.stream(s.streams.length - 1).sendData(Buffer.alloc(27), 0, 27, false);
    head.free();
    s.feed(windowUpdate(id, 5), windowUpdate(0, 5), windowUpdate(0, 22), ping());
    s.stream(s.streams.length - 1).sendTrailers(new Head());
  }
  assert.deepEqual(s.limits, []);
});

test('rapid reset: streams that are opened and reset at once', () => {
  const s = new Served({ resetBurst: 10, resetsPerSecond: 1 }).begin();
  let id = 1;
  for (; s.limits.length === 0 && id < 101; id += 2) s.feed(headers(id), rst(id, 8));
  assert.deepEqual([...end(s), id], [CALM, [LIMIT.resets], 23]);
});

test('a client that lets half of its streams end may reset the other half forever', () => {
  const s = new Served({ resetBurst: 10, resetsPerSecond: 0 }).begin();
  for (let id = 1; id < 801; id += 4) {
    s.feed(headers(id), headers(id + 2));
    const head = Head.response(204);
    s.stream(s.streams.length - 2).sendHead(head, true);
    head.free();
    s.feed(rst(id + 2, 8));
  }
  assert.deepEqual(s.limits, []);
});

test('resets that the peer provokes count like its own, whatever it provokes them with', () => {
  const ways: readonly ((id: number) => Buffer)[] = [
    (id) => windowUpdate(id, 0),
    (id) => windowUpdate(id, 0x7fff_ffff),
    (id) => priority(id, id),
    (id) => frame(FRAME.priority, 0, id, '1234'),
    (id) => headers(id, GET, false),
    (id) => Buffer.concat([data(id, '', true), data(id, 'x')]),
    (id) => headers(id + 2, [...GET, ['connection', 'x']]),
  ];
  for (const [index, way] of ways.entries()) {
    const s = new Served({ provokedResetBurst: 10, provokedResetsPerSecond: 0 }).begin();
    for (let id = 1; s.limits.length === 0 && id < 101; id += 4) s.feed(headers(id, POST, false), way(id));
    assert.deepEqual(end(s), [CALM, [LIMIT.provokedResets]], `way ${index}`);
    assert.equal(s.connection.ended, true);
  }
});

test('streams beyond the limit are refused, and the others served', () => {
  const s = new Served({ maxConcurrentStreams: 2 }).begin();
  s.feed(headers(1), headers(3), headers(5));
  assert.deepEqual(described(s.take()), ['rstStream 5 refusedStream']);
  assert.deepEqual([s.limits, s.streams.length], [[LIMIT.streams], 2]);
});

test('CONTINUATION: their number and their bytes', () => {
  const first = frame(FRAME.headers, 1, 1, block(GET));
  const many = new Served({ maxContinuations: 4 }).begin();
  many.feed(first);
  for (let i = 0; i < 5; i++) many.feed(frame(FRAME.continuation, 0, 1));
  assert.deepEqual(end(many), [CALM, [LIMIT.continuations]]);

  const long = new Served({ maxBlockBytes: 20_000 }).begin();
  long.feed(first, frame(FRAME.continuation, 0, 1, Buffer.alloc(16_000)));
  assert.deepEqual(long.limits, []);
  long.feed(frame(FRAME.continuation, 0, 1, Buffer.alloc(4_000)));
  assert.deepEqual(end(long), [CALM, [LIMIT.blockBytes]]);
});

test('a head beyond its bound is answered 431, also when a table makes it long', () => {
  const s = new Served({ maxHeadBytes: 400 }).begin();
  s.feed(headers(1, [...GET, ['x', 'y'.repeat(400)]], false));
  const frames = s.take();
  assert.deepEqual(described(frames), ['headers 1 end', 'rstStream 1 none']);
  assert.deepEqual(s.fields(frames[0] as never)[0], '431');
  assert.deepEqual([s.limits, s.refused[0]?.[0]], [[LIMIT.headBytes], 431]);

  // One field into the dynamic table, then its index again and again.
  const bomb = Buffer.concat([
    block(GET),
    Buffer.from([0x40, 1, 0x78, 50]),
    Buffer.alloc(50, 0x79),
    Buffer.alloc(50, 0xbe),
  ]);
  s.feed(frame(FRAME.headers, 5, 3, bomb));
  assert.equal(s.fields(s.take()[0] as never)[0], '431');
  // The tables are still in step.
  s.feed(headers(5));
  assert.equal(s.streams.length, 1);
});

test('trailers have a bound of their own', () => {
  const s = new Served({ maxTrailerBytes: 100 }).begin();
  s.feed(headers(1, POST, false), headers(1, [['x', 'y'.repeat(200)]]));
  assert.deepEqual([s.receiver().trailers, s.receiver().reset, s.limits], [null, RESET.protocol, [LIMIT.headBytes]]);
});

test('a peer that does not read its answers may not ask for more', () => {
  const s = new Served({ maxQueuedAnswers: 10 }).begin();
  s.connection.backlog = 1;
  for (let i = 0; i < 11; i++) s.feed(ping());
  assert.deepEqual(end(s), [CALM, [LIMIT.answers]]);
});

test('a peer that does not read at all loses the connection at some point', () => {
  const s = new Served({ maxBacklogBytes: 1_000 }).begin();
  s.connection.backlog = 1_001;
  s.feed(ping());
  assert.deepEqual(end(s), [CALM, [LIMIT.backlog]]);
});

test('content that nobody reads is read for a while, and no more than its window', () => {
  const s = new Served({ maxDiscardBytes: 1_000 }).begin();
  s.feed(headers(1, POST, false));
  const head = Head.response(200);
  s.stream().sendHead(head, true);
  head.free();
  s.stream().discard();
  s.feed(data(1, Buffer.alloc(1_001)));
  assert.deepEqual(described(s.take()), ['headers 1 end', 'rstStream 1 none']);
  assert.deepEqual([s.limits, s.server.idle], [[LIMIT.discarded], true]);
});

test('whether too much of it came does not depend on how it was cut into reads', () => {
  const run = (cut: (bytes: Buffer) => Buffer[]): unknown => {
    const s = new Served({ maxDiscardBytes: 10 }).begin();
    s.feed(headers(1, POST, false));
    const head = Head.response(200);
    s.stream().sendHead(head, true);
    head.free();
    s.stream().discard();
    for (const part of cut(Buffer.concat([data(1, Buffer.alloc(5)), data(1, Buffer.alloc(9), true)]))) s.feed(part);
    return [described(s.take()), s.limits];
  };
  assert.deepEqual(
    run((bytes) => Array.from(bytes, (byte) => Buffer.of(byte))),
    run((bytes) => [bytes]),
  );
});

test('SETTINGS that do not come, or are not acknowledged, end the connection', () => {
  const silent = new Served({ settingsTimeoutMs: 1_000 });
  silent.time.advance(1_100);
  assert.deepEqual(end(silent), ['settingsTimeout', [LIMIT.settingsTimeout]]);

  const deaf = new Served({ settingsTimeoutMs: 1_000 });
  deaf.feed(hello().subarray(0, 33));
  deaf.feed(headers(1));
  deaf.time.advance(1_100);
  assert.deepEqual(end(deaf), ['settingsTimeout', [LIMIT.settingsTimeout]]);

  const good = new Served({ settingsTimeoutMs: 1_000 }).begin();
  good.time.advance(1_100);
  assert.deepEqual(good.limits, []);
});

test('a field section, or a frame, that trickles ends the connection; one after the other does not', () => {
  for (const bytes of [frame(FRAME.headers, 1, 1, block(GET)), headers(1).subarray(0, 20), Buffer.from([0])]) {
    const s = new Served({ headTimeoutMs: 1_000 }).begin();
    s.connection.feed(bytes);
    s.time.advance(1_100);
    assert.deepEqual(end(s), [CALM, [LIMIT.headTimeout]]);
  }
  const busy = new Served({ headTimeoutMs: 1_000 }).begin();
  // Each read ends within a frame, and each frame ends.
  for (let id = 1; id < 41; id += 2) {
    const [next, after] = [headers(id), headers(id + 2)];
    busy.connection.feed(Buffer.concat([id === 1 ? next : next.subarray(5), after.subarray(0, 5)]));
    busy.time.advance(500);
  }
  assert.deepEqual(busy.limits, []);
});

test('a connection without streams ends after a while, one with a stream does not', () => {
  const s = new Served({ idleTimeoutMs: 1_000 }).begin();
  s.feed(headers(1));
  s.time.advance(5_000);
  assert.deepEqual(s.limits, []);
  const head = Head.response(204);
  s.stream().sendHead(head, true);
  s.time.advance(900);
  assert.equal(s.connection.ended, false);
  s.time.advance(200);
  assert.deepEqual(end(s), ['none', [LIMIT.idle]]);
  assert.equal(s.connection.ended, true);
});

test('a stream whose peer grants nothing, or crumbs, is reset; one that moves is not', () => {
  const stall = { stallTimeoutMs: 1_000, minProgressBytes: 100 };
  for (const [crumb, isReset] of [
    [0, true],
    [10, true],
    [100, false],
  ] as const) {
    const s = new Served(stall).begin([SETTING.initialWindowSize, 5]);
    s.feed(headers(1));
    const head = Head.response(200);
    s.stream().sendHead(head, false);
    s.stream().sendData(Buffer.alloc(5_000), 0, 5_000, true);
    for (let i = 0; i < 4; i++) {
      if (crumb > 0) s.feed(windowUpdate(1, crumb));
      s.time.advance(1_000);
    }
    assert.deepEqual(s.limits, isReset ? [LIMIT.stalledStream] : [], `${crumb}`);
    assert.equal(described(s.take()).includes('rstStream 1 cancel'), isReset);
    assert.equal(s.server.idle, isReset);
  }
});

const CALL: readonly (readonly [string, string])[] = [...POST, ['content-type', 'application/grpc+proto']];
const LONG: readonly (readonly [string, string])[] = [...POST, ['content-length', '100000']];
const PACE = { stallTimeoutMs: 1_000, minProgressBytes: 100, headTimeoutMs: 0 };

test('a request that trickles is reset, whether it says how long it is or not; one with some speed is not', () => {
  for (const fields of [LONG, POST]) {
    for (const [bytes, isReset] of [
      [0, true],
      [9, true],
      [10, false],
    ] as const) {
      const s = new Served(PACE).begin();
      s.feed(headers(1, fields, false));
      for (let i = 0; i < 40; i++) {
        if (bytes > 0) s.feed(data(1, 'x'.repeat(bytes)));
        s.time.advance(100);
      }
      assert.deepEqual(s.limits, isReset ? [LIMIT.trickle] : [], `${bytes}`);
      assert.equal(s.receiver().reset, isReset ? RESET.timeout : null);
      assert.equal(described(s.take()).includes('rstStream 1 cancel'), isReset);
      if (!isReset) s.feed(data(1, '', fields === POST));
    }
  }
});

test('conversations may be silent: gRPC calls, tunnels, and requests that are answered while they are sent', () => {
  const s = new Served(PACE).begin();
  const tunnel: readonly (readonly [string, string])[] = [
    [':method', 'CONNECT'],
    [':authority', 'a:1'],
  ];
  s.feed(headers(1, CALL, false), headers(3, tunnel, false), headers(5, POST, false));
  for (const index of [1, 2]) {
    const head = Head.response(200);
    s.stream(index).sendHead(head, false);
    head.free();
  }
  for (let i = 0; i < 60; i++) {
    s.feed(data(1, 'a message now and then'));
    s.time.advance(60_000);
  }
  assert.deepEqual([s.limits, s.server.active], [[], 3]);
});

test('who may not send because we have not taken what came is not slow', () => {
  const s = new Served({ ...PACE, streamWindowBytes: 1_000 }).begin();
  s.feed(headers(1, LONG, false), data(1, Buffer.alloc(1_000)));
  for (let i = 0; i < 10; i++) s.time.advance(900);
  assert.deepEqual(s.limits, []);
  s.stream().release(1_000);
  s.time.advance(900);
  assert.deepEqual(s.limits, [], 'its credit has only just left');
  s.time.advance(2_000);
  assert.deepEqual(s.limits, [LIMIT.trickle]);
});

test('a frame of content that trickles ends the connection, as any other', () => {
  const s = new Served({ headTimeoutMs: 1_000 }).begin();
  s.feed(headers(1, CALL, false));
  s.connection.feed(data(1, Buffer.alloc(100)).subarray(0, 20));
  for (let i = 0; i < 11; i++) {
    s.connection.feed(Buffer.alloc(1));
    s.time.advance(100);
  }
  assert.deepEqual(end(s), [CALM, [LIMIT.headTimeout]]);
});

test('a connection whose peer grants nothing ends', () => {
  const s = new Served({ stallTimeoutMs: 1_000 }).begin([SETTING.initialWindowSize, 1_000_000]);
  s.feed(headers(1));
  const head = Head.response(200);
  s.stream().sendHead(head, false);
  s.stream().sendData(Buffer.alloc(100_000), 0, 100_000, true);
  s.time.advance(3_000);
  assert.deepEqual(end(s), [CALM, [LIMIT.stalledConnection]]);
  assert.equal(s.connection.ended, true);
});

test('keep-alive: silence is asked about, an answer of any kind is life, none is the end', () => {
  const d = new Dialled({ keepAliveIntervalMs: 1_000, keepAliveTimeoutMs: 500 }).begin();
  d.time.advance(2_100);
  const [question] = d.take();
  assert.deepEqual(described([question as never]), ['ping']);
  d.feed(ping(question?.payload.toString('latin1'), true));
  d.time.advance(900);
  assert.deepEqual(d.gone, []);
  d.time.advance(5_000);
  assert.deepEqual([d.gone, d.limits], [[LIMIT.keepAlive], [LIMIT.keepAlive]]);
});

test('a client bounds its server too', () => {
  const d = new Dialled(NONE).begin();
  const { r } = d.ask();
  for (let i = 0; i < 30 && d.gone.length === 0; i++) d.feed(ping());
  assert.deepEqual([d.limits, r.reset, d.gone], [[LIMIT.pings], RESET.limit, [LIMIT.pings]]);

  const e = new Dialled({ maxHeadBytes: 300 }).begin();
  const long = e.ask();
  e.feed(headers(1, [...OK, ['x', 'y'.repeat(400)]], false));
  assert.deepEqual([e.limits, long.r.reset, e.gone], [[LIMIT.headBytes], RESET.limit, []]);
});

test('a closing connection reads only so much more', () => {
  const s = new Served({ maxDiscardBytes: 1_000, lingerMs: 500 }).begin();
  s.feed(ping('x'));
  assert.equal(end(s)[0], 'frameSize');
  s.connection.feed(Buffer.alloc(1_001));
  assert.equal(s.connection.reason, 'too much after the end');

  const t = new Served({ lingerMs: 500 }).begin();
  t.feed(ping('x'));
  t.time.advance(600);
  assert.deepEqual([t.connection.closed, t.closed], [true, 1]);
});

test('codes of GOAWAY for what breaks a connection', () => {
  const bad: readonly (readonly [keyof typeof ERROR, Buffer])[] = [
    ['frameSize', frame(FRAME.settings, 0, 0, '12345')],
    ['frameSize', frame(FRAME.settings, 1, 0, '123456')],
    ['protocol', settings([SETTING.enablePush, 2])],
    ['flowControl', settings([SETTING.initialWindowSize, 0x8000_0000])],
    ['protocol', settings([SETTING.maxFrameSize, 100])],
    ['protocol', frame(FRAME.ping, 0, 1, '12345678')],
    ['protocol', windowUpdate(0, 0)],
    ['flowControl', windowUpdate(0, 0x7fff_ffff)],
    ['protocol', data(1, 'x')],
    ['protocol', data(0, 'x')],
    ['protocol', headers(2)],
    ['protocol', frame(FRAME.continuation, 4, 1)],
    ['protocol', Buffer.concat([frame(FRAME.headers, 1, 1, block(GET)), ping()])],
    ['frameSize', Buffer.from([0x00, 0x40, 0x01, 0, 0, 0, 0, 0, 1])],
    ['compression', frame(FRAME.headers, 5, 1, Buffer.from([0x80]))],
    ['protocol', frame(FRAME.pushPromise, 4, 1, 'xxxx')],
    ['protocol', frame(FRAME.goaway, 0, 1, '12345678')],
  ];
  for (const [code, bytes] of bad) {
    const s = new Served().begin();
    s.feed(bytes);
    assert.equal(described(s.take()).at(-1), `goaway 0 ${code}`, bytes.toString('hex'));
    assert.equal(s.connection.ended, true);
  }
});

test('more DATA than a window allows: of the stream, of the connection', () => {
  const s = new Served({ streamWindowBytes: 1_000 }).begin();
  s.feed(headers(1, POST, false), data(1, Buffer.alloc(1_001)));
  assert.deepEqual(described(s.take()), ['rstStream 1 flowControl']);

  const t = new Served({ connectionWindowBytes: 65_535, maxHeldBytes: 65_535, streamWindowBytes: 100_000 }).begin();
  t.feed(headers(1, POST, false));
  for (let i = 0; i < 5; i++) t.feed(data(1, Buffer.alloc(16_000)));
  assert.equal(described(t.take()).at(-1), 'goaway 1 flowControl');
});

test('a sender that is held up asks for no more than it can take', () => {
  const d = new Dialled().begin([SETTING.initialWindowSize, 0]);
  const { stream, r } = d.ask('POST', false);
  send(stream, 'x'.repeat(70_000), false);
  assert.equal(stream.unsent, 70_000);
  d.feed(windowUpdate(1, 50_000));
  assert.equal(r.writable, 0);
  d.feed(windowUpdate(1, 10_000));
  assert.deepEqual([r.writable, stream.unsent], [1, 10_000]);
});
