/** A block of IP addresses. An IPv4 address that came in IPv6 clothes (`::ffff:10.0.0.1`) is the IPv4 address. */
export interface AddressRange {
  /** 4 or 16 bytes. */
  readonly prefix: Uint8Array;
  /** Bits of `prefix` that an address must share. */
  readonly bits: number;
}

/** No leading zeros: some read those as octal, and the rule for an address must be the one for its reader. */
const V4 = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/;
/** `::ffff:0:0/96` (RFC 4291 section 2.5.5.2). */
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** `address` null: it is not known, and in no range. */
export function inRange({ prefix, bits }: AddressRange, address: Uint8Array | null): boolean {
  if (address === null || address.length !== prefix.length) return false;
  for (let i = 0, left = bits; left > 0; i++, left -= 8) {
    const mask = left >= 8 ? 0xff : (0xff << (8 - left)) & 0xff;
    if ((((address[i] as number) ^ (prefix[i] as number)) & mask) !== 0) return false; // i < length: bits is at most that
  }
  return true;
}

/** 4 or 16 bytes of an IP literal, or null. A zone (`fe80::1%eth0`) is not part of the address. */
export function addressBytes(text: string): Uint8Array | null {
  const [address = ''] = text.split('%', 1);
  const four = fourBytes(address);
  if (four !== null) return Uint8Array.from(four);
  const sixteen = sixteenBytes(address);
  if (sixteen === null) return null;
  const isMapped = MAPPED.every((byte, i) => sixteen[i] === byte);
  return Uint8Array.from(isMapped ? sixteen.slice(12) : sixteen);
}

function fourBytes(text: string): readonly number[] | null {
  const parts = V4.exec(text)?.slice(1).map(Number);
  return parts === undefined || parts.some((part) => part > 255) ? null : parts;
}

function sixteenBytes(text: string): readonly number[] | null {
  const [head = '', tail, ...more] = text.split('::');
  if (more.length > 0 || !text.includes(':')) return null;
  const before = groupBytes(head, tail === undefined);
  const after = groupBytes(tail ?? '', true);
  if (before === null || after === null) return null;
  const missing = 16 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 2) return null;
  return [...before, ...new Array<number>(missing).fill(0), ...after];
}

/** `isEnd`: the address ends here, where four bytes may be written as those of IPv4. */
function groupBytes(text: string, isEnd: boolean): readonly number[] | null {
  if (text === '') return [];
  const groups = text.split(':');
  const bytes: number[] = [];
  for (const [i, group] of groups.entries()) {
    const four = isEnd && i === groups.length - 1 ? fourBytes(group) : null;
    if (four !== null) bytes.push(...four);
    else if (/^[0-9a-fA-F]{1,4}$/.test(group))
      bytes.push(Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff);
    else return null;
  }
  return bytes.length > 16 ? null : bytes;
}

/** 4 or 16 bytes as text, in one form for each address (RFC 5952, without the mixed notation). */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const isMapped = MAPPED.every((byte, i) => bytes[i] === byte);
  if (isMapped) return bytes.subarray(12).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  let longest = { at: 0, length: 1 };
  for (let at = 0; at < 8; at++) {
    let end = at;
    while (end < 8 && groups[end] === 0) end++;
    if (end - at > longest.length) longest = { at, length: end - at };
  }
  const texts = groups.map((group) => group.toString(16));
  if (longest.length === 1) return texts.join(':');
  return `${texts.slice(0, longest.at).join(':')}::${texts.slice(longest.at + longest.length).join(':')}`;
}
