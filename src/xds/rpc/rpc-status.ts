/** What a gRPC call ended with, from trailers, or from what HTTP says instead of them (PROTOCOL-HTTP2.md, "Errors"). */
import type { RpcStatus } from '../../core/runtime.ts';
import { CONTENT_TYPE, FieldName } from '../../http/field-name.ts';
import { GRPC_STATUS, grpcStatusIn, grpcStatusOfHttp } from '../../http/grpc/status.ts';
import type { Head } from '../../http/head.ts';
import { RESET, type ResetReason } from '../../http/message.ts';

export const GRPC_MESSAGE = new FieldName('grpc-message');
const MAX_MESSAGE_CHARACTERS = 1_024;

/** From trailers, or from the head of an answer without content; null when neither carries a status. */
export function statusOfFields(fields: Head): RpcStatus | null {
  const code = grpcStatusIn(fields);
  return code < 0 ? null : { code, message: decodeMessage(fields.value(GRPC_MESSAGE) ?? '') };
}

/** Null when the head is that of a gRPC answer. */
export function statusOfHead(head: Head): RpcStatus | null {
  const { status } = head;
  if (status !== 200)
    return { code: grpcStatusOfHttp(status), message: `the peer answered with HTTP status ${status}` };
  if (/^application\/grpc($|[+;])/.test(head.value(CONTENT_TYPE) ?? '')) return null;
  return { code: GRPC_STATUS.unknown, message: 'the peer does not answer with gRPC' };
}

/** `cause`: of the connection's end, if it has one. */
export function statusOfReset(reason: ResetReason, cause: string): RpcStatus {
  switch (reason) {
    case RESET.cancelled:
      return { code: GRPC_STATUS.cancelled, message: 'the peer cancelled the stream' };
    case RESET.protocol:
      return { code: GRPC_STATUS.internal, message: cause === '' ? 'the peer broke HTTP/2' : cause };
    case RESET.limit:
      return { code: GRPC_STATUS.resourceExhausted, message: cause === '' ? 'the answer is beyond a bound' : cause };
    case RESET.aborted:
      return unavailable('the peer reset the stream');
    default:
      return unavailable(cause === '' ? 'connection: closed by the peer' : cause);
  }
}

export function unavailable(cause: string): RpcStatus {
  return { code: GRPC_STATUS.unavailable, message: cause };
}

/** For `grpc-message`: of UTF-8, only space to ~ but % stay as they are. */
export function encodeMessage(message: string): string {
  return Buffer.from(message.slice(0, MAX_MESSAGE_CHARACTERS), 'utf8')
    .toString('latin1')
    .replace(/[^\x20-\x24\x26-\x7e]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}

/** Percent-encoded UTF-8. Broken escapes stay as they are, as the specification asks. */
function decodeMessage(text: string): string {
  const bytes = text
    .slice(0, MAX_MESSAGE_CHARACTERS * 3)
    .replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
