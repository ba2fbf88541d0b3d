/** Reads DER (X.690) as far as certificates need it: tags of one byte, definite lengths. */
import { WeftError } from '../core/errors.ts';

export interface DerValue {
  readonly tag: number;
  /** A view into the input. */
  readonly content: Uint8Array;
}

/** The values that stand one after the other in `bytes`. */
export function derChildren(bytes: Uint8Array): DerValue[] {
  const values: DerValue[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at] ?? 0;
    let length = bytes[at + 1] ?? malformed();
    at += 2;
    if (length === 0x80 || length > 0x83) malformed();
    if (length > 0x80) {
      let left = length & 0x7f;
      length = 0;
      for (; left > 0; left--) length = length * 256 + (bytes[at++] ?? malformed());
    }
    if (at + length > bytes.length) malformed();
    values.push({ tag, content: bytes.subarray(at, at + length) });
    at += length;
  }
  return values;
}

/** The content of the one value that `bytes` holds, which must have this tag. */
export function derValue(bytes: Uint8Array, tag: number): Uint8Array {
  const [value, ...more] = derChildren(bytes);
  if (value === undefined || value.tag !== tag || more.length > 0) malformed();
  return value.content;
}

function malformed(): never {
  throw new WeftError('invalid', { what: 'A certificate is not well-formed DER' });
}
