/** Flow control both ways, as a model: neither side ever sends what it has no credit for, and nothing is lost or late for good. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HIGH_WATER, LOW_WATER } from '../../core/runtime.ts';
import { Head } from '../head.ts';
import { FRAME } from './frame.ts';
import { SETTING } from './settings.ts';
import { data, frame, headers, POST, settings, windowUpdate } from './test/frames.ts';
import { described, Served } from './test/serve.ts';

function begin(s: Served, count: number): void {
  for (let id = 1; id < 2 * count; id += 2) s.feed(headers(id));
  for (let i = 0; i < count; i++) {
    const head = Head.response(200);
    s.stream(i).sendHead(head, false);
    head.free();
  }
}

const step = fc.oneof(
  fc.record({ kind: fc.constant('send' as const), stream: fc.nat(3), bytes: fc.integer({ min: 1, max: 40_000 }) }),
  fc.record({ kind: fc.constant('grant' as const), stream: fc.nat(4), bytes: fc.integer({ min: 1, max: 60_000 }) }),
  fc.record({ kind: fc.constant('window' as const), stream: fc.constant(0), bytes: fc.nat(100_000) }),
  fc.record({ kind: fc.constant('backlog' as const), stream: fc.constant(0), bytes: fc.nat(2 * HIGH_WATER) }),
);

test('no frame exceeds a window, no byte is lost, order holds within a stream, and what may leave has left', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.nat(70_000), (steps, initial) => {
      const s = new Served({ controlFrameBurst: 1e6 }).begin([SETTING.initialWindowSize, initial]);
      begin(s, 4);
      let connection = 65_535;
      let size = initial;
      const windows = [size, size, size, size];
      const sent = [0, 0, 0, 0];
      const arrived = [0, 0, 0, 0];
      const check = (): void => {
        for (const f of s.take()) {
          if (f.type !== FRAME.data) continue;
          const i = f.id >> 1;
          for (const byte of f.payload) assert.equal(byte, (arrived[i] = (arrived[i] ?? 0) + 1) & 0xff);
          windows[i] = (windows[i] ?? 0) - f.payload.length;
          connection -= f.payload.length;
          assert.ok((windows[i] ?? 0) >= 0 && connection >= 0, 'a window was exceeded');
          assert.ok(f.payload.length <= 16_384);
        }
        for (let i = 0; i < 4; i++) {
          const waiting = (sent[i] ?? 0) - (arrived[i] ?? 0);
          assert.equal(s.stream(i).unsent, waiting);
          const mayLeave = (windows[i] ?? 0) > 0 && connection > 0 && s.connection.backlog <= HIGH_WATER;
          assert.ok(waiting === 0 || !mayLeave, `stream ${i} waits for nothing`);
        }
      };
      for (const { kind, stream, bytes } of steps) {
        if (kind === 'send') {
          const content = Buffer.alloc(bytes);
          for (let i = 0; i < bytes; i++) content[i] = ((sent[stream] ?? 0) + i + 1) & 0xff;
          sent[stream] = (sent[stream] ?? 0) + bytes;
          s.stream(stream).sendData(content, 0, bytes, false);
        } else if (kind === 'grant') {
          if (stream === 4) connection += bytes;
          else windows[stream] = (windows[stream] ?? 0) + bytes;
          s.feed(windowUpdate(stream === 4 ? 0 : 2 * stream + 1, bytes));
        } else if (kind === 'window') {
          for (let i = 0; i < 4; i++) windows[i] = (windows[i] ?? 0) + bytes - size;
          size = bytes;
          // Windows that shrink below zero are caught above only for what is sent from now on.
          const before = [...windows];
          s.feed(settings([SETTING.initialWindowSize, bytes]));
          assert.equal(before.length, 4);
        } else {
          const wasOver = s.connection.backlog > HIGH_WATER;
          s.connection.backlog = bytes;
          if (wasOver && bytes <= LOW_WATER) s.server.onDrained();
          else if (wasOver && bytes <= HIGH_WATER) s.connection.backlog = HIGH_WATER + 1;
        }
        check();
      }
    }),
    { numRuns: 150 },
  );
});

test('a large message does not starve a small one: streams send a frame each in turn', () => {
  const s = new Served().begin([SETTING.initialWindowSize, 1_000_000]);
  begin(s, 3);
  s.take();
  s.connection.backlog = HIGH_WATER + 1;
  s.stream(0).sendData(Buffer.alloc(60_000), 0, 60_000, true);
  s.stream(1).sendData(Buffer.alloc(10), 0, 10, true);
  s.stream(2).sendData(Buffer.alloc(20_000), 0, 20_000, true);
  s.connection.backlog = 0;
  s.server.onDrained();
  assert.deepEqual(described(s.take()).slice(0, 5), [
    'data 1 16384',
    'data 3 10 end',
    'data 5 16384',
    'data 1 16384',
    'data 5 3616 end',
  ]);
});

test('who waits for his own window holds nobody up', () => {
  const s = new Served().begin([SETTING.initialWindowSize, 10]);
  begin(s, 2);
  s.take();
  s.stream(0).sendData(Buffer.alloc(20), 0, 20, true);
  s.stream(1).sendData(Buffer.alloc(5), 0, 5, true);
  assert.deepEqual(described(s.take()), ['data 1 10', 'data 3 5 end']);
  s.feed(windowUpdate(1, 10));
  assert.deepEqual(described(s.take()), ['data 1 10 end']);
});

test('what waits for windows is known, so that memory can be freed of it', () => {
  const s = new Served().begin([SETTING.initialWindowSize, 10]);
  begin(s, 2);
  for (const i of [0, 1]) s.stream(i).sendData(Buffer.alloc(1_000), 0, 1_000, false);
  assert.equal(s.server.queuedBytes, 1_980);
  s.feed(windowUpdate(1, 100));
  assert.equal(s.server.queuedBytes, 1_880);
  s.stream(0).reset(2);
  assert.equal(s.server.queuedBytes, 990);
  s.feed(windowUpdate(3, 5_000));
  assert.equal(s.server.queuedBytes, 0);
});

test('when memory is short the fullest streams go, and the others stay', () => {
  const s = new Served().begin([SETTING.initialWindowSize, 0]);
  begin(s, 4);
  for (const [i, bytes] of [100, 3_000, 0, 2_000].entries()) s.stream(i).sendData(Buffer.alloc(bytes), 0, bytes, false);
  s.take();
  s.server.dropFullest(3_500);
  assert.deepEqual(described(s.take()), ['rstStream 3 enhanceYourCalm', 'rstStream 7 enhanceYourCalm']);
  assert.deepEqual([s.server.queuedBytes, s.server.active], [100, 2]);
});

test('an end without content needs no window', () => {
  const s = new Served().begin([SETTING.initialWindowSize, 0]);
  begin(s, 1);
  s.take();
  s.stream().sendData(Buffer.alloc(0), 0, 0, true);
  assert.deepEqual(described(s.take()), ['data 1 0 end']);
});

test('credit goes back in halves of a window, for the stream and for the connection, each byte once', () => {
  const s = new Served({ streamWindowBytes: 20_000, connectionWindowBytes: 65_535 }).begin();
  s.feed(headers(1, POST, false), data(1, Buffer.alloc(9_000)));
  s.stream().release(9_000);
  s.stream().release(9_000);
  assert.deepEqual(described(s.take()), []);
  s.feed(data(1, Buffer.alloc(1_000)));
  s.stream().release(1_000);
  assert.deepEqual(described(s.take()), ['windowUpdate 1 10000', 'ping']);
  s.feed(data(1, Buffer.alloc(16_000)), data(1, Buffer.alloc(4_000)));
  s.stream().release(9_000);
  // What is owed when the message ends is whole again.
  s.feed(data(1, '', true), headers(3, POST, false), data(3, Buffer.alloc(3_000), true));
  assert.deepEqual(described(s.take()), ['windowUpdate 0 33000']);
});

test('a message that is reset or discarded gives the connection its credit back', () => {
  for (const end of ['reset', 'discard', 'peer'] as const) {
    const s = new Served({ streamWindowBytes: 50_000, connectionWindowBytes: 65_535 }).begin();
    s.feed(headers(1, POST, false), data(1, Buffer.alloc(16_000)), data(1, Buffer.alloc(16_000)));
    if (end === 'reset') s.stream().reset(2);
    else if (end === 'discard') s.stream().discard();
    else s.feed(frame(FRAME.rstStream, 0, 1, Buffer.from([0, 0, 0, 8])));
    s.take();
    s.feed(headers(3, POST, false), data(3, Buffer.alloc(1_000)));
    s.stream(1).reset(2);
    assert.ok(described(s.take()).includes('windowUpdate 0 33000'), end);
  }
});

test('padding costs a window and comes back by itself', () => {
  const s = new Served({ streamWindowBytes: 1_000, connectionWindowBytes: 65_535 }).begin();
  s.feed(headers(1, POST, false));
  for (let i = 0; i < 10; i++) {
    s.feed(frame(FRAME.data, 8, 1, Buffer.concat([Buffer.from([200]), Buffer.from('x'), Buffer.alloc(200)])));
  }
  assert.equal(s.receiver().body, 'x'.repeat(10));
  assert.equal(s.receiver().reset, null);
});
