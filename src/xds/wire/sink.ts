/** A growing buffer that protobuf's primitives are written to. */

const utf8 = new TextEncoder();
const FIRST_BYTES = 256;
/** What a large message needed is given back after it. */
const MAX_KEPT_BYTES = 1 << 20;

export class Sink {
  bytes = new Uint8Array(FIRST_BYTES);
  at = 0;
  #view = new DataView(this.bytes.buffer);

  /** Forgets what was written. */
  restart(): void {
    this.at = 0;
    if (this.bytes.length <= MAX_KEPT_BYTES) return;
    this.bytes = new Uint8Array(FIRST_BYTES);
    this.#view = new DataView(this.bytes.buffer);
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.bytes.slice(0, this.at);
  }

  tag(fieldNumber: number, wireType: number): void {
    this.varint(((fieldNumber << 3) | wireType) >>> 0);
  }

  /** An unsigned 32-bit value. */
  varint(value: number): void {
    this.#room(5);
    let rest = value;
    while (rest > 0x7f) {
      this.bytes[this.at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.at++] = rest;
  }

  /** Negative values take ten bytes, as int32 and enum do. */
  int32(value: number): void {
    if (value >= 0) this.varint(value);
    else this.varint64(BigInt(value));
  }

  varint64(value: bigint): void {
    this.#room(10);
    let rest = BigInt.asUintN(64, value);
    while (rest > 0x7fn) {
      this.bytes[this.at++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.bytes[this.at++] = Number(rest);
  }

  fixed32(value: number): void {
    this.#room(4);
    this.#view.setUint32(this.at, value, true);
    this.at += 4;
  }

  fixed64(value: bigint): void {
    this.#room(8);
    this.#view.setBigUint64(this.at, BigInt.asUintN(64, value), true);
    this.at += 8;
  }

  float(value: number): void {
    this.#room(4);
    this.#view.setFloat32(this.at, value, true);
    this.at += 4;
  }

  double(value: number): void {
    this.#room(8);
    this.#view.setFloat64(this.at, value, true);
    this.at += 8;
  }

  string(value: string): void {
    const start = this.begin();
    // UTF-8 takes at most three bytes a UTF-16 unit.
    this.#room(value.length * 3);
    this.at += utf8.encodeInto(value, this.bytes.subarray(this.at)).written;
    this.end(start);
  }

  blob(value: Uint8Array): void {
    this.varint(value.length);
    this.#room(value.length);
    this.bytes.set(value, this.at);
    this.at += value.length;
  }

  /** Begins something delimited by its length, which is not known yet; returns what `end` wants. */
  begin(): number {
    this.#room(1);
    this.at++;
    return this.at;
  }

  /** Writes the length of what follows `start`, and moves it when the length takes more than the one byte kept for it. */
  end(start: number): void {
    const length = this.at - start;
    if (length < 0x80) {
      this.bytes[start - 1] = length;
      return;
    }
    const extra = length < 0x4000 ? 1 : length < 0x20_0000 ? 2 : length < 0x1000_0000 ? 3 : 4;
    this.#room(extra);
    this.bytes.copyWithin(start + extra, start, this.at);
    const end = this.at + extra;
    this.at = start - 1;
    this.varint(length);
    this.at = end;
  }

  #room(bytes: number): void {
    const needed = this.at + bytes;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.at));
    this.bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
