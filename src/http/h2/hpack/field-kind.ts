/** What a field of an HTTP/2 head is to the decoder: a regular field or one of the pseudo-header fields of RFC 9113 section 8.3. */

export const KIND = {
  regular: 0,
  method: 1,
  scheme: 2,
  path: 3,
  authority: 4,
  status: 5,
  /** RFC 8441. */
  protocol: 6,
  /** A name that no head may have; the entry's refusal says why. */
  invalid: 7,
} as const;
export type Kind = (typeof KIND)[keyof typeof KIND];

/** By kind. */
const NAMES: readonly Uint8Array[] = ['', ':method', ':scheme', ':path', ':authority', ':status', ':protocol'].map(
  (name) => Buffer.from(name, 'latin1'),
);

/** The kind of a name that begins with a colon. */
export function pseudoKindOf(bytes: Uint8Array, start: number, end: number): Kind {
  for (let kind = 1; kind < NAMES.length; kind++) {
    const name = NAMES[kind] as Uint8Array;
    if (name.length === end - start && name.every((byte, i) => byte === bytes[start + i])) return kind as Kind;
  }
  return KIND.invalid;
}
