/**
 * Reads protobuf's primitives from bytes, never past an end. It knows where in the message it stands, because an error
 * must name the field: that name is the reason in a NACK.
 */
import { protoName } from './field-name.ts';
import { copyOf } from '../../core/bytes.ts';
import { WeftError } from '../../core/errors.ts';
import { WIRE } from './wire-type.ts';

// Fatal: proto3 strings are UTF-8, and a name that two parsers read differently is a way around a rule.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const SHORT = 24;

export class Cursor {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  at = 0;
  /** Of the message or packed list that is being read. */
  end: number;
  /** High half of the last varint. */
  high = 0;
  /** Names of the fields that enclose the current position; list indexes and map keys stand behind their field. */
  readonly path: (string | number)[] = [];
  readonly #root: string;

  constructor(bytes: Uint8Array, root: string) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = bytes.length;
    this.#root = root;
  }

  /** Returns the low 32 bits, signed; the high ones are in `high`. Protobuf's longest varint has ten bytes. */
  varint(): number {
    let low = 0;
    this.high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.at >= this.end) throw this.fault('truncated varint');
      const byte = this.bytes[this.at++] as number;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        this.high = bits >>> 4;
      } else if (shift < 64) this.high |= bits << (shift - 32);
      if (byte < 0x80) return low;
    }
    throw this.fault('varint longer than ten bytes');
  }

  /** A length that is known to fit; returns the end of what follows. */
  delimited(): number {
    const length = this.varint();
    if (this.high !== 0 || length < 0 || length > this.end - this.at) throw this.fault('length beyond the end');
    return this.at + length;
  }

  int64(): bigint {
    const low = this.varint();
    return (BigInt(this.high | 0) << 32n) | BigInt(low >>> 0);
  }

  uint64(): bigint {
    return BigInt.asUintN(64, this.int64());
  }

  fixed32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  sfixed32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  fixed64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  sfixed64(): bigint {
    return this.#view.getBigInt64(this.#take(8), true);
  }

  float(): number {
    return this.#view.getFloat32(this.#take(4), true);
  }

  double(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }

  string(): string {
    const end = this.delimited();
    if (end - this.at <= SHORT) {
      const text = this.#ascii(end);
      if (text !== null) return text;
    }
    try {
      return utf8.decode(this.bytes.subarray(this.at, end));
    } catch (cause) {
      throw this.fault('not UTF-8', cause);
    } finally {
      this.at = end;
    }
  }

  /** Names are short and ASCII, and a TextDecoder costs more to enter than they to read. Null: not ASCII. */
  #ascii(end: number): string | null {
    let text = '';
    for (let index = this.at; index < end; index++) {
      const byte = this.bytes[index] as number;
      if (byte >= 0x80) return null;
      text += String.fromCharCode(byte);
    }
    this.at = end;
    return text;
  }

  /** A copy: what is decoded outlives the buffer it came in. */
  copy(): Uint8Array {
    const end = this.delimited();
    const copy = copyOf(this.bytes, this.at, end);
    this.at = end;
    return copy;
  }

  /** Steps over one value. Groups (wire types 3 and 4) are proto2's and refused. */
  skip(wireType: number): void {
    if (wireType === WIRE.varint) this.varint();
    else if (wireType === WIRE.fixed64) this.#take(8);
    else if (wireType === WIRE.bytes) this.at = this.delimited();
    else if (wireType === WIRE.fixed32) this.#take(4);
    else throw this.fault(`unknown wire type ${wireType}`);
  }

  /** An error that names the field being read, in the spelling of the .proto file. */
  fault(what: string, cause?: unknown): WeftError {
    return new WeftError('invalid', { what, where: this.where(), cause });
  }

  limit(what: string): WeftError {
    return new WeftError('limit-exceeded', { what, where: this.where() });
  }

  where(): string {
    let text = this.#root;
    for (const part of this.path) text += typeof part === 'number' ? `[${part}]` : `.${protoName(part)}`;
    return text;
  }

  #take(bytes: number): number {
    const start = this.at;
    if (bytes > this.end - start) throw this.fault('truncated value');
    this.at = start + bytes;
    return start;
  }
}
