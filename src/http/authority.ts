/**
 * The grammar of an authority (RFC 9110 section 7.2: uri-host and an optional port), shared by the scanner and by what
 * rewrites a request. Narrower than RFC 3986: no userinfo, no percent-encoding, no sub-delims. Names of services never
 * have them, and `a,b` or `a%2eb` are read differently by different servers.
 */

const HOST_BYTE = new Uint8Array(256);
for (const c of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~') HOST_BYTE[c.charCodeAt(0)] = 1;

const ADDRESS_BYTE = new Uint8Array(256);
for (const c of '0123456789abcdefABCDEF:.') ADDRESS_BYTE[c.charCodeAt(0)] = 1;

const COLON = 0x3a;

export function isAuthority(bytes: Uint8Array, start: number, end: number): boolean {
  const hostEnd = hostEndOf(bytes, start, end);
  if (hostEnd < 0) return false;
  if (hostEnd === end) return true;
  let port = 0;
  // At most five digits; an empty port means the scheme's default (RFC 3986 section 3.2.3).
  if (bytes[hostEnd] !== COLON || end - hostEnd > 6) return false;
  for (let i = hostEnd + 1; i < end; i++) {
    const digit = (bytes[i] as number) - 0x30;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
  }
  return port <= 65_535;
}

/** Offset after the host, or -1 when there is none. */
function hostEndOf(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  if (bytes[at] === 0x5b && at < end) {
    at++;
    while (at < end && ADDRESS_BYTE[bytes[at] as number] === 1) at++;
    return at > start + 1 && at < end && bytes[at] === 0x5d ? at + 1 : -1;
  }
  while (at < end && HOST_BYTE[bytes[at] as number] === 1) at++;
  return at > start ? at : -1;
}

/** Whether two authorities mean the same: letter case aside, and `defaultPort` equal to no port (RFC 3986 section 6.2). */
export function sameAuthority(
  bytes: Uint8Array,
  aStart: number,
  aEnd: number,
  bStart: number,
  bEnd: number,
  defaultPort: number,
): boolean {
  const a = withoutPort(bytes, aStart, aEnd, defaultPort);
  const b = withoutPort(bytes, bStart, bEnd, defaultPort);
  if (a - aStart !== b - bStart) return false;
  for (let i = aStart, k = bStart; i < a; i++, k++) {
    if (lower(bytes[i] as number) !== lower(bytes[k] as number)) return false;
  }
  return true;
}

function withoutPort(bytes: Uint8Array, start: number, end: number, defaultPort: number): number {
  const hostEnd = hostEndOf(bytes, start, end);
  if (hostEnd < 0 || hostEnd === end) return end;
  let port = 0;
  for (let i = hostEnd + 1; i < end; i++) port = port * 10 + (bytes[i] as number) - 0x30;
  return hostEnd + 1 === end || port === defaultPort ? hostEnd : end;
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}
