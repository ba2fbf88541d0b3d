import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ChunkPool } from '../../core/chunk-pool.ts';
import { Head } from '../../http/head.ts';
import type { Stream } from '../../http/message.ts';
import { RequestBody } from './request-body.ts';

/** What a reader of the body was sent. */
function reader() {
  const got = { parts: [] as Buffer[], ended: false };
  const stream: Stream = {
    unsent: 0,
    sendHead(_head, last) {
      got.ended = last;
    },
    sendData(bytes, start, end, last) {
      assert.equal(got.ended, false, 'data after the end');
      got.parts.push(Buffer.from(bytes.slice(start, end)));
      got.ended = last;
    },
    sendTrailers() {
      got.ended = true;
    },
    release() {},
    discard() {},
    reset() {},
  };
  return { got, stream };
}

test('what was sent can be asked for again up to the bound, and past it nothing of it is kept', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 8 }),
      fc.nat(150_000),
      (sizes, bound) => {
        const body = new RequestBody(new ChunkPool());
        body.maxReplayBytes = bound;
        const parts = sizes.map((length, i) => Buffer.alloc(length, 97 + i));
        const whole = Buffer.concat(parts);
        const first = reader();
        const head = Head.request('POST', '/', 'catalog');
        body.begin(head, first.stream);
        for (const [i, part] of parts.entries()) {
          body.pass(part, 0, part.length, i === parts.length - 1, first.stream, false);
        }
        assert.equal(body.complete, whole.length <= bound);
        if (body.complete) {
          const second = reader();
          body.begin(head, second.stream);
          assert.ok(second.got.ended && Buffer.concat(second.got.parts).equals(whole));
          body.settle();
          assert.equal(body.complete, false, 'nothing is kept once there is an answer');
        }
        head.free();
        body.free();
      },
    ),
    { numRuns: 200 },
  );
});

test('what is held before there is a reader arrives whole and in order, however it was cut', () => {
  const size = fc.oneof(fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: 60_000, max: 90_000 }));
  fc.assert(
    fc.property(fc.array(size, { minLength: 1, maxLength: 4 }), fc.nat(4), fc.boolean(), (sizes, early, replays) => {
      const body = new RequestBody(new ChunkPool());
      if (replays) body.maxReplayBytes = 65_536;
      const parts = sizes.map((length, i) => Buffer.alloc(length, 97 + i));
      const { got, stream } = reader();
      const head = Head.request('PUT', '/', 'catalog');
      const opensAt = Math.min(early, parts.length);
      for (const [i, part] of parts.entries()) {
        if (i === opensAt) body.begin(head, stream);
        const last = i === parts.length - 1;
        body.pass(part, 0, part.length, last, i >= opensAt ? stream : null, false);
      }
      if (opensAt === parts.length) body.begin(head, stream);
      assert.ok(got.ended, 'the end never came');
      assert.ok(Buffer.concat(got.parts).equals(Buffer.concat(parts)), 'bytes were lost');
      head.free();
      body.free();
    }),
    { numRuns: 200 },
  );
});

test('what was held for its first reader beyond the bound is not remembered for a second', () => {
  for (const [bound, isRemembered] of [
    [9, false],
    [10, true],
  ] as const) {
    const pool = new ChunkPool();
    const body = new RequestBody(pool);
    body.maxReplayBytes = bound;
    body.pass(Buffer.alloc(10), 0, 10, false, null, false);
    const head = Head.request('POST', '/', 'catalog');
    body.begin(head, reader().stream);
    assert.equal(body.complete, isRemembered);
    assert.equal(pool.freeBytes > 0, !isRemembered, 'its storage is free again');
    head.free();
    body.free();
  }
});
