/** gRPC status codes, and what HTTP/2 says instead of one (PROTOCOL-HTTP2.md, "Errors"; http-grpc-status-mapping.md). */
import { constants, type IncomingHttpHeaders } from 'node:http2';
import type { RpcStatus } from '../../../core/runtime.ts';

export const OK = 0;
export const CANCELLED = 1;
export const UNKNOWN = 2;
export const PERMISSION_DENIED = 7;
export const RESOURCE_EXHAUSTED = 8;
export const UNIMPLEMENTED = 12;
export const INTERNAL = 13;
export const UNAVAILABLE = 14;
export const UNAUTHENTICATED = 16;

const MAX_MESSAGE_CHARACTERS = 1024;

const OF_HTTP_STATUS: Readonly<Record<number, number>> = {
  400: INTERNAL,
  401: UNAUTHENTICATED,
  403: PERMISSION_DENIED,
  404: UNIMPLEMENTED,
  429: UNAVAILABLE,
  502: UNAVAILABLE,
  503: UNAVAILABLE,
  504: UNAVAILABLE,
};

const OF_RESET: Readonly<Record<number, number>> = {
  [constants.NGHTTP2_NO_ERROR]: INTERNAL,
  [constants.NGHTTP2_REFUSED_STREAM]: UNAVAILABLE,
  [constants.NGHTTP2_CANCEL]: CANCELLED,
  [constants.NGHTTP2_ENHANCE_YOUR_CALM]: RESOURCE_EXHAUSTED,
  [constants.NGHTTP2_INADEQUATE_SECURITY]: PERMISSION_DENIED,
};

export function unavailable(cause: string): RpcStatus {
  return { code: UNAVAILABLE, message: cause };
}

/** From trailers, or from the head of a trailers-only answer; null when neither carries a status. */
export function statusOfFields(fields: IncomingHttpHeaders): RpcStatus | null {
  const text = fields['grpc-status'];
  if (typeof text !== 'string') return null;
  const code = /^\d{1,3}$/.test(text) ? Number(text) : UNKNOWN;
  const message = fields['grpc-message'];
  return { code, message: typeof message === 'string' ? decodeMessage(message) : '' };
}

/** Null when the head is that of a gRPC answer. */
export function statusOfHead(head: IncomingHttpHeaders): RpcStatus | null {
  const http = Number(head[':status']);
  if (http !== 200)
    return { code: OF_HTTP_STATUS[http] ?? UNKNOWN, message: `the peer answered with HTTP status ${http}` };
  const type = head['content-type'];
  if (typeof type === 'string' && /^application\/grpc($|[+;])/.test(type)) return null;
  return { code: UNKNOWN, message: 'the peer does not answer with gRPC' };
}

export function statusOfReset(code: number): RpcStatus {
  return { code: OF_RESET[code] ?? INTERNAL, message: `the peer reset the stream (HTTP/2 error ${code})` };
}

/** grpc-message is percent-encoded UTF-8; only space to ~ but % stay as they are. */
export function encodeMessage(message: string): string {
  return Buffer.from(message.slice(0, MAX_MESSAGE_CHARACTERS), 'utf8')
    .toString('latin1')
    .replace(/[^\x20-\x24\x26-\x7e]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}

/** Broken escapes stay as they are, as the specification asks. */
function decodeMessage(text: string): string {
  const bytes = text
    .slice(0, MAX_MESSAGE_CHARACTERS * 3)
    .replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
