/**
 * Huffman decoding four bits at a time: 16 KiB of transitions, which stay in the first-level cache. Every state is a
 * node of the code's tree; padding is checked as RFC 7541 section 5.2 asks.
 */
import { CODE_BITS, CODES, EOS, SYMBOLS } from './huffman-code.ts';

/** Of a transition: the next state is in the low eight bits. */
const EMITS = 1 << 8;
const SYMBOL_SHIFT = 9;
const ERROR = -1;

/** `TRANSITIONS[state * 16 + nibble]`. */
const TRANSITIONS = new Int32Array(256 * 16);
/** 1 where a string may end: at the root, or within at most seven bits of padding, all ones. */
const ENDS = new Uint8Array(256);
build();

/** More than a coded string of this length decodes to: no code is shorter than five bits. */
export function maxDecodedBytes(codedBytes: number): number {
  return codedBytes * 2;
}

/** Decodes `bytes[start, end)` to `out[at…]`, which has room. Returns the offset after it; -1 for bad padding or EOS. */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
  let state = 0;
  let to = at;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    let next = TRANSITIONS[(state << 4) | (byte >> 4)] as number;
    if ((next & EMITS) !== 0) {
      if (next < 0) return ERROR;
      out[to++] = next >> SYMBOL_SHIFT;
    }
    next = TRANSITIONS[((next & 0xff) << 4) | (byte & 15)] as number;
    if ((next & EMITS) !== 0) {
      if (next < 0) return ERROR;
      out[to++] = next >> SYMBOL_SHIFT;
    }
    state = next & 0xff;
  }
  return ENDS[state] === 1 ? to : ERROR;
}

function build(): void {
  // Nodes of the tree: two children each, positive for a node, negative for a leaf (-1 - symbol).
  const children: number[][] = [[0, 0]];
  for (let symbol = 0; symbol < SYMBOLS; symbol++) {
    let node = 0;
    for (let bit = (CODE_BITS[symbol] as number) - 1; bit >= 0; bit--) {
      const pair = children[node] as number[];
      const side = ((CODES[symbol] as number) >>> bit) & 1;
      if (bit === 0) pair[side] = -1 - symbol;
      else if (pair[side] === 0) node = pair[side] = children.push([0, 0]) - 1;
      else node = pair[side] as number;
    }
  }
  for (let state = 0; state < children.length; state++) {
    for (let nibble = 0; nibble < 16; nibble++) TRANSITIONS[state * 16 + nibble] = transition(children, state, nibble);
  }
  for (let node = 0, depth = 0; depth < 8; depth++, node = children[node]?.[1] ?? 0) ENDS[node] = 1;
}

function transition(children: readonly number[][], state: number, nibble: number): number {
  let node = state;
  let emitted = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const next = children[node]?.[(nibble >> bit) & 1] ?? 0;
    if (next >= 0) {
      node = next;
      continue;
    }
    const symbol = -1 - next;
    if (symbol === EOS) return ERROR;
    emitted = EMITS | (symbol << SYMBOL_SHIFT);
    node = 0;
  }
  return node | emitted;
}
