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

const BY_NAME: readonly (readonly [Uint8Array, Method])[] = Object.entries(METHOD)
  .filter(([name]) => name !== 'other')
  .map(([name, method]) => [Buffer.from(name.toUpperCase(), 'latin1'), method]);

/** Methods are case-sensitive (RFC 9110 section 9.1): `get` is not GET but a method of its own. */
export function methodOf(bytes: Uint8Array, start: number, end: number): Method {
  // Nine requests of ten.
  if (end - start === 3 && bytes[start] === 0x47 && bytes[start + 1] === 0x45 && bytes[start + 2] === 0x54) {
    return METHOD.get;
  }
  for (const [name, method] of BY_NAME) {
    if (name.length === end - start && same(name, bytes, start)) return method;
  }
  return METHOD.other;
}

function same(name: Uint8Array, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < name.length; i++) if (name[i] !== bytes[start + i]) return false;
  return true;
}

/** Safe to send again after it may have been seen (RFC 9110 section 9.2.2). */
export function isIdempotent(method: Method): boolean {
  return method !== METHOD.post && method !== METHOD.patch && method !== METHOD.connect && method !== METHOD.other;
}
