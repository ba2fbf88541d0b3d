/** The same bytes give the same outcome however they are cut into reads, whether they are valid or not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Head } from '../head.ts';
import { FRAME } from './frame.ts';
import { block, data, frame, GET, headers, hello, ping, POST, rst, settings, windowUpdate } from './test/frames.ts';
import { described, Served } from './test/serve.ts';

const id = fc.constantFrom(1, 3, 5, 7, 9, 2, 0);
const small = fc.uint8Array({ maxLength: 40 });
const anyFrame = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(id, fc.boolean()).map(([i, last]) => headers(i, last ? GET : POST, last)) },
  { weight: 6, arbitrary: fc.tuple(id, small, fc.boolean()).map(([i, bytes, last]) => data(i, bytes, last)) },
  fc
    .tuple(id, small, fc.nat(60))
    .map(([i, bytes, pad]) =>
      frame(FRAME.data, 8, i, Buffer.concat([Buffer.from([pad]), bytes, Buffer.alloc(Math.min(pad, 45))])),
    ),
  fc.tuple(id, fc.nat(30)).map(([i, at]) => {
    const section = block([...GET, ['x-long', 'y'.repeat(300)]]);
    return Buffer.concat([
      frame(FRAME.headers, 1, i, section.subarray(0, at)),
      frame(FRAME.continuation, 0, i, section.subarray(at, at + 20)),
      frame(FRAME.continuation, 4, i, section.subarray(at + 20)),
    ]);
  }),
  id.map((i) => rst(i, 8)),
  fc.tuple(id, fc.integer({ min: 0, max: 1_000 })).map(([i, bytes]) => windowUpdate(i, bytes)),
  fc.constant(ping()),
  fc.constant(settings()),
  fc.tuple(fc.nat(12), fc.nat(255), id, small).map(([type, flags, i, bytes]) => frame(type, flags, i, bytes)),
);

function outcome(parts: readonly Uint8Array[]): unknown {
  const s = new Served();
  s.react = (stream) => {
    const head = Head.response(200);
    stream.sendHead(head, false);
    head.free();
    stream.sendData(Buffer.from('ok'), 0, 2, true);
  };
  for (const part of parts) if (!s.connection.closed) s.connection.feed(part);
  return {
    written: described(s.take()),
    heard: s.receivers.map((r) => [r.head?.methodText, r.body, r.done, r.trailers, r.reset]),
    refused: s.refused,
    limits: s.limits,
    ended: s.connection.ended,
  };
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set(places.map((p) => p % (bytes.length + 1)))].toSorted((a, b) => a - b);
  return [0, ...at].map((from, i) => bytes.subarray(from, at[i] ?? bytes.length));
}

test('random cuts of the same bytes', () => {
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 12 }), fc.array(fc.nat(5_000), { maxLength: 20 }), (frames, places) => {
      const bytes = Buffer.concat([hello(), ...frames]);
      assert.deepEqual(outcome(cut(bytes, places)), outcome([bytes]));
    }),
    { numRuns: 400 },
  );
});

test('byte by byte', () => {
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 8 }), (frames) => {
      const bytes = Buffer.concat([hello(), ...frames]);
      const single = Array.from(bytes, (_, i) => bytes.subarray(i, i + 1));
      assert.deepEqual(outcome(single), outcome([bytes]));
    }),
    { numRuns: 60 },
  );
});

test('any bytes at all end in order: no exception, no stream left behind', () => {
  fc.assert(
    fc.property(
      fc.array(anyFrame, { maxLength: 10 }),
      fc.uint8Array({ maxLength: 60 }),
      fc.nat(500),
      (frames, noise, at) => {
        const valid = Buffer.concat(frames);
        const place = at % (valid.length + 1);
        const bytes = Buffer.concat([hello(), valid.subarray(0, place), noise, valid.subarray(place)]);
        const s = new Served();
        s.connection.feed(bytes);
        if (!s.connection.closed) s.connection.destroy('over');
        assert.deepEqual([s.closed, s.server.active], [1, 0]);
        for (const r of s.receivers) if (!r.done) assert.notEqual(r.reset, null);
      },
    ),
    { numRuns: 400 },
  );
});
