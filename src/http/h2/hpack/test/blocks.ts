/** For tests: blocks put together by hand, and heads as plain text. */
import { Head } from '../../../head.ts';
import { BLOCK, type Block, HpackDecoder } from '../decoder.ts';
import { putInteger } from '../integer.ts';

export const LIMITS = { maxListBytes: 65_536, maxFields: 100 };

export function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
}

/** A string literal as it is. */
export function raw(text: string): Buffer {
  const out = Buffer.alloc(8);
  return Buffer.concat([out.subarray(0, putInteger(out, 0, text.length, 0x7f, 0)), Buffer.from(text, 'latin1')]);
}

/** A literal field with its name: 0x40 goes into the table, 0x00 not, 0x10 never. */
export function literal(name: string, value: string, pattern = 0): Buffer {
  return Buffer.concat([Buffer.of(pattern), raw(name), raw(value)]);
}

export function indexed(index: number): Buffer {
  const out = Buffer.alloc(8);
  return out.subarray(0, putInteger(out, 0, index, 0x7f, 0x80));
}

export function sizeUpdate(bytes: number): Buffer {
  const out = Buffer.alloc(8);
  return out.subarray(0, putInteger(out, 0, bytes, 0x1f, 0x20));
}

/** Each `[name, value]` as a literal that no table keeps. */
export function block(...fields: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(fields.map(([name, value]) => literal(name, value)));
}

export const GET: readonly (readonly [string, string])[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'a'],
];

/** Live fields as `name: value`. */
export function fieldsOf(head: Head): string[] {
  const out: string[] = [];
  for (let i = 0; i < head.count; i++) if (!head.isRemoved(i)) out.push(`${head.nameText(i)}: ${head.text(i)}`);
  return out;
}

/** What a fresh decoder says of one block. */
export function verdict(bytes: Buffer, kind: Block = BLOCK.request, limits = LIMITS): number {
  const head = new Head();
  const result = new HpackDecoder(4096, limits).decode(bytes, 0, bytes.length, head, kind);
  head.free();
  return result;
}

/** The head of one block, which must be good. */
export function decoded(decoder: HpackDecoder, bytes: Uint8Array, kind: Block): Head {
  const head = new Head();
  const result = decoder.decode(bytes, 0, bytes.length, head, kind);
  if (result !== 0) throw new Error(`refused with ${result}`);
  return head;
}
