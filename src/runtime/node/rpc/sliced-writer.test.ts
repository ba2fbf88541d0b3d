/** Whatever is sent arrives whole and in order, and no write is as large as what Node's TLS would keep a buffer of. */
import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { FrameReader } from '../../../core/grpc-frames.ts';
import { SlicedWriter } from './sliced-writer.ts';

/** As an HTTP/2 stream: one write at a time, and what waits is gathered into the next. */
class Wire extends Writable {
  readonly chunks: Buffer[] = [];
  largest = 0;

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#take([chunk], done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.#take(
      chunks.map(({ chunk }) => chunk),
      done,
    );
  }

  #take(chunks: Buffer[], done: () => void): void {
    this.chunks.push(...chunks);
    this.largest = Math.max(
      this.largest,
      chunks.reduce((sum, { length }) => sum + length, 0),
    );
    setImmediate(done);
  }
}

test('messages of any size arrive in order, in writes below 16 KiB, before the end', async () => {
  const sizes = fc.array(fc.oneof(fc.nat(100), fc.integer({ min: 15_990, max: 16_010 }), fc.nat(70_000)), {
    maxLength: 12,
  });
  await fc.assert(
    fc.asyncProperty(sizes, async (lengths) => {
      const wire = new Wire();
      const writer = new SlicedWriter(wire, () => {});
      for (const [i, length] of lengths.entries()) writer.write(Buffer.alloc(length, i));
      writer.end();
      await new Promise((done) => wire.once('finish', done));
      const got: Uint8Array[] = [];
      const reader = new FrameReader((message) => got.push(message));
      for (const chunk of wire.chunks) assert.equal(reader.push(chunk), null);
      assert.deepEqual(
        got.map((message) => [message.length, message[0]]),
        lengths.map((length, i) => [length, length === 0 ? undefined : i]),
      );
      assert.ok(wire.largest <= 16_000, String(wire.largest));
      assert.equal(writer.queuedBytes, 0);
    }),
    { numRuns: 50 },
  );
});

test('what waits counts until it is written, and is forgotten when nobody wants it any more', async () => {
  const wire = new Wire();
  let written = 0;
  const writer = new SlicedWriter(wire, () => written++);
  writer.write(Buffer.alloc(100_000));
  assert.equal(writer.queuedBytes, 100_005);
  writer.drop();
  assert.equal(writer.queuedBytes, 16_000);
  writer.end();
  await new Promise((done) => wire.once('finish', done));
  assert.equal(written, 1);
  writer.write(Buffer.alloc(10));
  assert.equal(wire.chunks.length, 1, 'after its end a stream is given nothing');
});
