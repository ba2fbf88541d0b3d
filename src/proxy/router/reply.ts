/**
 * A response of the proxy's own: the one form in which a caller sees that not the service but the mesh answered.
 */
import { bytesOf } from '../../core/bytes.ts';
import { CONTENT_TYPE, FieldName } from '../../http/field-name.ts';
import type { ResponseFlag } from '../../http/flags.ts';
import { Head } from '../../http/head.ts';
import { RESET, type ResetReason, type Stream } from '../../http/message.ts';

const WEFT_FLAG = new FieldName('x-weft-flag');
const MAX_TEXT = 500;

/** `weft: no healthy endpoint for catalog.shop (UH)`: one line, nothing in it that a caller may not know. */
export function replyText(flag: ResponseFlag, text: string): Uint8Array {
  const line = text.slice(0, MAX_TEXT).replace(/[^\x20-\x7e]/g, '?');
  return bytesOf(`weft: ${line}${flag === '' ? '' : ` (${flag})`}\n`);
}

export function replyHead(status: number, flag: ResponseFlag, bodyBytes: number): Head {
  const head = Head.response(status);
  head.contentLength = bodyBytes;
  if (bodyBytes > 0) head.appendText(CONTENT_TYPE, 'text/plain; charset=utf-8');
  if (flag !== '') head.appendText(WEFT_FLAG, flag);
  return head;
}

/** `withoutBody`: the answer to HEAD. Returns how many body bytes went out. */
export function sendReply(stream: Stream, head: Head, body: Uint8Array, withoutBody: boolean): number {
  if (withoutBody || body.length === 0) {
    stream.sendHead(head, true);
    return 0;
  }
  stream.sendHead(head, false);
  stream.sendData(body, 0, body.length, true);
  return body.length;
}

/** The status of a try that failed without a response. */
export function statusOf(reset: ResetReason): number {
  if (reset === RESET.timeout) return 504;
  return reset === RESET.protocol ? 502 : 503;
}

/** As a clause that `by <service>` completes. */
export function describeReset(reset: ResetReason): string {
  switch (reset) {
    case RESET.protocol:
      return 'malformed response';
    case RESET.timeout:
      return 'no answer in time';
    case RESET.limit:
      return 'response beyond a limit';
    default:
      return 'connection closed before the response';
  }
}
