/** RFC 7541 as plainly as it can be written: strings, lists, one bit at a time. What our decoder is held against. */
import { CODE_BITS, CODES, EOS } from '../../../src/http/h2/hpack/huffman-code.ts';
import { STATIC_FIELDS } from '../../../src/http/h2/hpack/static-table.ts';

export type Field = readonly [name: string, value: string];

const SYMBOL_OF = new Map<string, number>();
for (const [symbol, code] of CODES.entries()) {
  SYMBOL_OF.set(code.toString(2).padStart(CODE_BITS[symbol] ?? 0, '0'), symbol);
}
/** Bytes after an integer's prefix: a bound that the RFC leaves to us (section 5.1). */
const MAX_INTEGER_BYTES = 4;

const sizeOf = ([name, value]: Field): number => name.length + value.length + 32;

export class ModelDecoder {
  readonly #maxTableBytes: number;
  #tableBytes = 4096;
  #table: Field[] = [];
  #bytes: Uint8Array = Buffer.alloc(0);
  #at = 0;

  constructor(maxTableBytes: number) {
    this.#maxTableBytes = Math.max(maxTableBytes, 4096);
  }

  get size(): number {
    return this.#table.reduce((sum, field) => sum + sizeOf(field), 0);
  }

  /** The fields of a block, or null when it cannot be read. */
  decode(bytes: Uint8Array): Field[] | null {
    this.#bytes = bytes;
    this.#at = 0;
    const fields: Field[] = [];
    try {
      while (this.#at < bytes.length) {
        const byte = bytes[this.#at] ?? 0;
        if ((byte & 0xe0) === 0x20) {
          if (fields.length > 0) return null;
          const size = this.#integer(5);
          if (size > this.#maxTableBytes) return null;
          this.#tableBytes = size;
          this.#evict();
        } else fields.push(this.#field(byte));
      }
      return fields;
    } catch {
      return null;
    }
  }

  #field(byte: number): Field {
    if (byte >= 0x80) return this.#entry(this.#integer(7));
    const isKept = byte >= 0x40;
    const index = this.#integer(isKept ? 6 : 4);
    const field: Field = [index === 0 ? this.#string() : this.#entry(index)[0], this.#string()];
    if (isKept) this.#table.unshift(field);
    this.#evict();
    return field;
  }

  #entry(index: number): Field {
    const field = index < STATIC_FIELDS.length ? STATIC_FIELDS[index] : this.#table[index - STATIC_FIELDS.length];
    if (index === 0 || field === undefined) throw new Error('no such entry');
    return field;
  }

  #evict(): void {
    while (this.size > this.#tableBytes) this.#table.pop();
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new Error('past the end');
    return byte;
  }

  #integer(prefix: number): number {
    const mask = 2 ** prefix - 1;
    let value = this.#byte() & mask;
    if (value < mask) return value;
    for (let i = 0; i < MAX_INTEGER_BYTES; i++) {
      const byte = this.#byte();
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
    throw new Error('too long');
  }

  #string(): string {
    const isCoded = (this.#bytes[this.#at] ?? 0) >= 0x80;
    const length = this.#integer(7);
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    if (bytes.length < length) throw new Error('past the end');
    this.#at += length;
    return isCoded ? uncoded(bytes) : Buffer.from(bytes).toString('latin1');
  }
}

function uncoded(bytes: Uint8Array): string {
  let text = '';
  let code = '';
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code += (byte >> bit) & 1;
      const symbol = SYMBOL_OF.get(code);
      if (symbol === undefined) continue;
      if (symbol === EOS) throw new Error('EOS');
      text += String.fromCharCode(symbol);
      code = '';
    }
  }
  if (code.length > 7 || code.includes('0')) throw new Error('padding');
  return text;
}
