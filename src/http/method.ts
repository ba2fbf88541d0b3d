/** Request methods as small numbers: framing, retries and matching branch on them. A method outside the table is 0. */
export const METHOD = {
  other: 0,
  get: 1,
  head: 2,
  post: 3,
  put: 4,
  delete: 5,
  patch: 6,
  options: 7,
  connect: 8,
  trace: 9,
} as const;
export type Method = (typeof METHOD)[keyof typeof METHOD];

const MAX_LENGTH = 7;
/** By number; that of `other` has no bytes. */
const NAMES: readonly Uint8Array[] = Object.keys(METHOD).map((name) =>
  Buffer.from(name === 'other' ? '' : name.toUpperCase(), 'latin1'),
);
/** Length and first byte leave one candidate. */
const CANDIDATES = new Uint8Array(256 * (MAX_LENGTH + 1));
for (const [method, name] of NAMES.entries()) CANDIDATES[candidateAt(name.length, name[0] ?? 0)] = method;

/** Methods are case-sensitive (RFC 9110 section 9.1): `get` is not GET but a method of its own. */
export function methodOf(bytes: Uint8Array, start: number, end: number): Method {
  const length = end - start;
  if (length > MAX_LENGTH || length === 0) return METHOD.other;
  const method = CANDIDATES[candidateAt(length, bytes[start] as number)] as Method;
  const name = NAMES[method] as Uint8Array;
  for (let i = 1; i < name.length; i++) if (name[i] !== bytes[start + i]) return METHOD.other;
  return method;
}

function candidateAt(length: number, first: number): number {
  return length * 256 + first;
}

/** Safe to send again after it may have been seen (RFC 9110 section 9.2.2). */
export function isIdempotent(method: Method): boolean {
  return method !== METHOD.post && method !== METHOD.patch && method !== METHOD.connect && method !== METHOD.other;
}
