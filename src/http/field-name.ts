/**
 * A field name as a constant: found in a head by hash and bytes, without a string. Names that several parts of the
 * data plane look for are constants here; a filter makes its own from its configuration, once.
 */
import { WeftError } from '../core/errors.ts';
import { isToken, TOKEN } from './token.ts';

/** Written by codecs alone: a filter that appends one of these changes nothing on the wire. */
const HOP_NAMES = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

export class FieldName {
  /** Lower case. */
  readonly text: string;
  readonly bytes: Uint8Array;
  /** Of the lower-case bytes: `hash = hash * 31 + byte`, in 32 bits. The scanner computes the same on the fly. */
  readonly hash: number;
  /** Means one hop only: framing and the connection. */
  readonly isHop: boolean;

  /** Any letter case; throws a WeftError `invalid` for what is not a token (RFC 9110 section 5.1). */
  constructor(name: string) {
    if (!isToken(name)) {
      throw new WeftError('invalid', { what: `${JSON.stringify(name)} is not a field name` });
    }
    this.text = name.toLowerCase();
    this.bytes = Buffer.from(this.text, 'latin1');
    this.hash = hashOf(this.bytes, 0, this.bytes.length);
    this.isHop = HOP_NAMES.has(this.text);
  }
}

/** The hash of a range of token bytes in any letter case. */
export function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0;
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + (TOKEN[bytes[i] as number] as number)) | 0;
  return hash;
}

export const CONNECTION = new FieldName('connection');
export const CONTENT_LENGTH = new FieldName('content-length');
export const CONTENT_TYPE = new FieldName('content-type');
export const FORWARDED_CLIENT_CERT = new FieldName('x-forwarded-client-cert');
export const HOST = new FieldName('host');
export const KEEP_ALIVE = new FieldName('keep-alive');
export const REQUEST_ID = new FieldName('x-request-id');
export const TRACEPARENT = new FieldName('traceparent');
export const TRACESTATE = new FieldName('tracestate');
export const TRANSFER_ENCODING = new FieldName('transfer-encoding');
export const UPGRADE = new FieldName('upgrade');
