import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { type BulkBuffer, BulkBuffers } from './bulk-buffers.ts';

class Reader {
  buffer: BulkBuffer | null = null;
  readonly #buffers: BulkBuffers;

  constructor(buffers: BulkBuffers) {
    this.#buffers = buffers;
    this.buffer = buffers.take(this);
  }

  giveBulkBack(): void {
    if (this.buffer !== null) this.#buffers.give(this.buffer);
    this.buffer = null;
  }
}

test('there are no more than sixteen, lent ones included, and what comes back is given out again', () => {
  const buffers = new BulkBuffers();
  const readers = Array.from({ length: 17 }, () => new Reader(buffers));
  assert.equal(new Set(readers.slice(0, 16).map(({ buffer }) => buffer?.bytes.buffer)).size, 16);
  assert.equal(readers[16]?.buffer, null);
  const lent = readers[0]?.buffer ?? assert.fail();
  buffers.lend(lent);
  assert.equal(buffers.take(new Reader(buffers)), null, 'the kernel still has it');
  buffers.give(lent);
  assert.equal(buffers.take(new Reader(buffers)), null, 'one has it by now');
  for (const reader of readers) reader.giveBulkBack();
});

test('a reader that fell silent loses its buffer, one that reads or whose buffer is lent does not', (t) => {
  mock.timers.enable({ apis: ['setInterval'] });
  t.after(() => mock.timers.reset());
  const buffers = new BulkBuffers();
  const [silent, busy, waits] = [new Reader(buffers), new Reader(buffers), new Reader(buffers)];
  if (busy.buffer === null || waits.buffer === null) assert.fail();
  buffers.lend(waits.buffer);
  mock.timers.tick(1_000);
  assert.notEqual(silent.buffer, null, 'it has read since the last look');
  busy.buffer.reads++;
  mock.timers.tick(1_000);
  assert.equal(silent.buffer, null);
  assert.notEqual(busy.buffer, null);
  assert.notEqual(waits.buffer, null);
  busy.giveBulkBack();
  waits.giveBulkBack();
});
