/** Heads that come in pieces cost what they weigh: a slow sender cannot make the reader work. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Head } from '../head.ts';
import { HeadReader } from './head-reader.ts';
import { HEAD_TOO_LARGE, refusalOf, TARGET_TOO_LONG } from './refusal.ts';
import { scanRequest } from './scan-request.ts';

function counting(maxBytes: number): { reader: HeadReader; scanned: () => number } {
  let scanned = 0;
  const scan = (head: Head, bytes: Uint8Array, base: number, end: number, maxFields: number): number => {
    scanned += end - base - head.used;
    return scanRequest(head, bytes, base, end, maxFields);
  };
  return { reader: new HeadReader(scan, maxBytes, 100), scanned: () => scanned };
}

function feed(reader: HeadReader, text: string): void {
  for (const c of text) {
    const bytes = Buffer.from(c, 'latin1');
    assert.equal(reader.read(bytes, 0, 1), 1);
  }
}

describe('a head in single bytes', () => {
  it('is scanned line by line, not again with every byte', () => {
    const { reader, scanned } = counting(61_440);
    const text = `GET / HTTP/1.1\r\nHost: a\r\n${`X: ${'y'.repeat(500)}\r\n`.repeat(90)}X: ${'z'.repeat(12_000)}\r\n\r\n`;
    feed(reader, text);
    assert.equal(reader.head?.count, 92);
    assert.equal(reader.head?.pathText, '/');
    assert.ok(scanned() <= text.length + 2, `${scanned()} bytes scanned of ${text.length}`);
    assert.ok(!reader.started);
  });

  it('is refused at the limit, by what was too long', () => {
    const long = counting(1_000).reader;
    feed(long, `GET /${'a'.repeat(995)}`);
    assert.equal(long.refusal, TARGET_TOO_LONG);
    assert.equal(refusalOf(long.refusal).status, 414);
    const many = counting(1_000).reader;
    feed(many, `GET / HTTP/1.1\r\nX: ${'a'.repeat(981)}`);
    assert.equal(many.refusal, HEAD_TOO_LARGE);
  });

  it('of exactly the limit passes, whole or in pieces', () => {
    const text = `GET / HTTP/1.1\r\nX: ${'a'.repeat(100)}\r\n\r\n`;
    for (const [limit, passes] of [
      [text.length, true],
      [text.length - 1, false],
    ] as const) {
      const whole = counting(limit).reader;
      whole.read(Buffer.from(text), 0, text.length);
      assert.equal(whole.head !== null, passes);
      const pieces = counting(limit).reader;
      feed(pieces, text.slice(0, limit));
      assert.equal(pieces.head !== null, passes);
    }
  });
});
