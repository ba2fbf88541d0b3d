/**
 * The few DER forms (X.690) that a certification request needs, written by hand: an ASN.1 library costs a sidecar
 * 110 ms of start-up, and writing, unlike reading, has no hostile input.
 */

const UNIVERSAL = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  sequence: 0x30,
  set: 0x31,
};

export function derSequence(...items: readonly Uint8Array[]): Uint8Array {
  return tagged(UNIVERSAL.sequence, concat(items));
}

/** DER wants the items of a SET OF sorted; callers here have one. */
export function derSet(item: Uint8Array): Uint8Array {
  return tagged(UNIVERSAL.set, item);
}

/** A small non-negative integer. */
export function derInteger(value: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value > 127) throw new RangeError('derInteger writes 0 to 127');
  return tagged(UNIVERSAL.integer, Uint8Array.of(value));
}

/** Whole octets: no unused bits. */
export function derBitString(bytes: Uint8Array): Uint8Array {
  return tagged(UNIVERSAL.bitString, concat([Uint8Array.of(0), bytes]));
}

export function derOctetString(bytes: Uint8Array): Uint8Array {
  return tagged(UNIVERSAL.octetString, bytes);
}

export function derUtf8String(text: string): Uint8Array {
  return tagged(UNIVERSAL.utf8String, Buffer.from(text, 'utf8'));
}

/** Dotted form, such as `1.2.840.10045.4.3.2`. */
export function derOid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return tagged(UNIVERSAL.oid, Uint8Array.from([first * 40 + second, ...rest.flatMap(base128)]));
}

/** `[number]` IMPLICIT; `constructed` for a SEQUENCE or SET inside. */
export function derContext(number: number, constructed: boolean, content: Uint8Array): Uint8Array {
  return tagged(0x80 | (constructed ? 0x20 : 0) | number, content);
}

function base128(value: number): number[] {
  const groups = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) groups.unshift((rest & 0x7f) | 0x80);
  return groups;
}

function tagged(tag: number, content: Uint8Array): Uint8Array {
  return concat([Uint8Array.of(tag, ...length(content.length)), content]);
}

function length(bytes: number): number[] {
  if (bytes < 0x80) return [bytes];
  if (bytes < 0x100) return [0x81, bytes];
  if (bytes < 0x10000) return [0x82, bytes >>> 8, bytes & 0xff];
  throw new RangeError('DER content is longer than 65535 bytes');
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
