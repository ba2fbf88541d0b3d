/** PEM blocks (RFC 7468, strict form) to DER and back. It stands in `identity/` because only certificates and keys use it. */
import { WeftError } from '../core/errors.ts';

/** A trust bundle of a hundred roots is below this; anything longer is no certificate of ours. */
const MAX_PEM_CHARS = 262_144;
const MAX_BLOCKS = 128;

export function encodePem(label: string, der: Uint8Array): string {
  const base64 = Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString('base64');
  const lines = base64.match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** All blocks of a label, in order; text outside of blocks and blocks of other labels are skipped. Throws `invalid`. */
export function decodePem(label: string, text: string): Uint8Array[] {
  if (text.length > MAX_PEM_CHARS) throw invalidPem(label, `longer than ${MAX_PEM_CHARS} characters`);
  const begin = `-----BEGIN ${label}-----`;
  const end = `-----END ${label}-----`;
  const blocks: Uint8Array[] = [];
  let at = text.indexOf(begin);
  while (at >= 0) {
    const close = text.indexOf(end, at);
    if (close < 0) throw invalidPem(label, 'a block does not end');
    if (blocks.length === MAX_BLOCKS) throw invalidPem(label, `more than ${MAX_BLOCKS} blocks`);
    blocks.push(decodeBody(label, text.slice(at + begin.length, close)));
    at = text.indexOf(begin, close + end.length);
  }
  return blocks;
}

function decodeBody(label: string, body: string): Uint8Array {
  const base64 = body.replace(/[\r\n\t ]/g, '');
  if (base64 === '' || base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) {
    throw invalidPem(label, 'a block is not base64');
  }
  return new Uint8Array(Buffer.from(base64, 'base64'));
}

function invalidPem(label: string, why: string): WeftError {
  return new WeftError('invalid', { what: `PEM of ${label.toLowerCase()} cannot be read: ${why}` });
}
