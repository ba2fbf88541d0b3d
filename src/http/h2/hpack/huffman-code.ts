/**
 * The Huffman code of RFC 7541 appendix B. It is canonical, so the 257 lengths say everything: codes of one length are
 * consecutive in the order of their symbols.
 */

/** Bits of the code of each byte and, last, of EOS; a base-36 digit each. */
const LENGTHS =
  'dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6cad67777777777777777777777878djde6' +
  'f56565666577666567655677777fbedskmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmn' +
  'qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrqu';

export const SYMBOLS = 257;
export const EOS = 256;
export const CODE_BITS: Uint8Array = Uint8Array.from(LENGTHS, (digit) => Number.parseInt(digit, 36));
/** Right-aligned; at most 30 bits. */
export const CODES: Uint32Array = canonicalCodes();

function canonicalCodes(): Uint32Array {
  const counts = new Uint32Array(31);
  for (let symbol = 0; symbol < SYMBOLS; symbol++) counts[bitsOf(symbol)] = (counts[bitsOf(symbol)] as number) + 1;
  const next = new Uint32Array(31);
  for (let bits = 1; bits <= 30; bits++) next[bits] = ((next[bits - 1] as number) + (counts[bits - 1] as number)) * 2;
  const codes = new Uint32Array(SYMBOLS);
  for (let symbol = 0; symbol < SYMBOLS; symbol++) {
    const bits = bitsOf(symbol);
    const code = next[bits] as number;
    codes[symbol] = code;
    next[bits] = code + 1;
  }
  return codes;
}

function bitsOf(symbol: number): number {
  return CODE_BITS[symbol] as number;
}
