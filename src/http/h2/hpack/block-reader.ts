/** The primitives of a block (RFC 7541 section 5): integers and strings, the latter straight into the head that is being filled. */
import { copyBytes, EMPTY_BYTES } from '../../../core/bytes.ts';
import type { Head } from '../../head.ts';
import { decodeHuffman, maxDecodedBytes } from './huffman-decode.ts';

export abstract class BlockReader {
  /** What is being read, and where. */
  protected block: Uint8Array = EMPTY_BYTES;
  protected pos = 0;
  protected end = 0;
  /** The end of what was written into the head. */
  protected at = 0;

  /** Writes a string literal at `to`, whatever it holds. Returns its length, or -1 for what cannot be read. */
  protected string(head: Head, to: number): number {
    if (this.pos >= this.end) return -1;
    const isCoded = (this.block[this.pos] as number) >= 0x80;
    const length = this.integer(0x7f);
    const start = this.pos;
    if (length < 0 || length > this.end - start) return -1;
    this.pos = start + length;
    this.room(head, to - this.at + (isCoded ? maxDecodedBytes(length) : length));
    if (!isCoded) return copyBytes(this.block, start, this.pos, head.bytes, to) - to;
    const end = decodeHuffman(this.block, start, this.pos, head.bytes, to);
    return end < 0 ? -1 : end - to;
  }

  /** An integer with this prefix at `pos` (RFC 7541 section 5.1), or -1: past the end, or of more than four bytes after the prefix. */
  protected integer(mask: number): number {
    const block = this.block;
    if (this.pos >= this.end) return -1;
    let value = (block[this.pos++] as number) & mask;
    if (value < mask) return value;
    for (let shift = 0; shift < 28; shift += 7) {
      if (this.pos >= this.end) return -1;
      const byte = block[this.pos++] as number;
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return -1;
  }

  /** Makes room in the head for `bytes` after `at`. */
  protected room(head: Head, bytes: number): void {
    if (this.at + bytes <= head.bytes.length) return;
    head.used = this.at + bytes;
    head.reserve(0);
  }
}
