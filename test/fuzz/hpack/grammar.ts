/** HPACK blocks by their grammar, in latin1, with a CR LF between the blocks of one connection. */
import { CODE_BITS, CODES } from '../../../src/http/h2/hpack/huffman-code.ts';
import { putInteger } from '../../../src/http/h2/hpack/integer.ts';
import type { Rng } from '../driver/rng.ts';

/** The first byte of an input: what its blocks are heads of. */
export const KINDS = { r: 'request', s: 'response', t: 'trailers' } as const;

const NAMES = ['accept', 'cookie', 'host', 'x-a', 'te', 'content-length', 'grpc-status', 'authorization', 'via', 'X-a'];
const VALUES = ['', '1', 'a', 'trailers', 'text/html', 'a=b', 'v'.repeat(140), ' x', '\xe9', '7', 'a:80'];
const REQUEST: readonly (readonly [string, readonly string[]])[] = [
  [':method', ['GET', 'POST', 'CONNECT', 'OPTIONS', 'PURGE']],
  [':scheme', ['http', 'https', 'ftp']],
  [':path', ['/', '/a?b', '*', '']],
  [':authority', ['a', 'a:80', 'b', '']],
];

export function connection(random: Rng): string {
  const kind = random.pick(['r', 'r', 's', 't']);
  let text = kind;
  for (let n = 1 + random.below(4); n > 0; n--) text += `${block(kind, random)}${n > 1 ? '\r\n' : ''}`;
  return text;
}

function block(kind: string, random: Rng): string {
  let text = random.oneIn(6) ? integer(random.pick([0, 40, 100, 4096, 5000]), 0x1f, 0x20) : '';
  if (kind === 'r') {
    if (random.oneIn(2)) text += '\x82\x86\x84';
    else for (const [name, values] of REQUEST.slice(0, 3)) text += literal(name, random.pick(values), random);
    for (const [name, values] of REQUEST.slice(3)) text += literal(name, random.pick(values), random);
    if (random.oneIn(8)) text += literal(':protocol', 'websocket', random);
  }
  if (kind === 's')
    text += random.oneIn(2) ? '\x88' : literal(':status', random.pick(['200', '101', '503', '2']), random);
  for (let n = random.below(6); n > 0; n--) {
    if (random.oneIn(2)) text += literal(random.pick(NAMES), random.pick(VALUES), random);
    else text += integer(random.pick([62, 63, 64, 65, 66, 16, 31, 200]), 0x7f, 0x80);
  }
  return text;
}

export function literal(name: string, value: string, random: Rng): string {
  const pattern = random.pick([0x00, 0x10, 0x40, 0x40]);
  if (random.oneIn(3)) {
    const isKept = pattern === 0x40;
    return integer(1 + random.below(70), isKept ? 0x3f : 0x0f, pattern) + string(value, random);
  }
  return String.fromCharCode(pattern) + string(name, random) + string(value, random);
}

function string(text: string, random: Rng): string {
  if (random.oneIn(2)) return integer(text.length, 0x7f, 0) + text;
  let bits = '';
  for (const byte of Buffer.from(text, 'latin1')) {
    bits += (CODES[byte] ?? 0).toString(2).padStart(CODE_BITS[byte] ?? 0, '0');
  }
  const coded = (bits.padEnd(Math.ceil(bits.length / 8) * 8, '1').match(/.{8}/g) ?? []).map((byte) =>
    Number.parseInt(byte, 2),
  );
  return integer(coded.length, 0x7f, 0x80) + String.fromCharCode(...coded);
}

function integer(value: number, mask: number, pattern: number): string {
  const out = Buffer.alloc(8);
  return out.toString('latin1', 0, putInteger(out, 0, value, mask, pattern));
}
