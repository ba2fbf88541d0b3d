/**
 * A response of the proxy's own: the one form in which a caller sees that not the service but the mesh answered.
 */
import { bytesOf } from '../../core/bytes.ts';
import { CONTENT_TYPE, FieldName } from '../../http/field-name.ts';
import type { ResponseFlag } from '../../http/flags.ts';
import { Head } from '../../http/head.ts';
import { METHOD } from '../../http/method.ts';
import { RESET, type ResetReason, type Stream } from '../../http/message.ts';

const WEFT_FLAG = new FieldName('x-weft-flag');
const MAX_TEXT = 500;

/**
 * `weft: no healthy endpoint for catalog.shop (UH)`: one line, nothing in it that a caller may not know. Without a flag
 * the text is a route's own direct response, as it is. Returns the head that was sent; it is the caller's.
 */
export function sendReply(stream: Stream, request: Head, status: number, flag: ResponseFlag, text: string): Head {
  const body = flag === '' ? bytesOf(text) : bytesOf(`weft: ${oneLine(text)} (${flag})\n`);
  const head = Head.response(status);
  head.contentLength = body.length;
  if (body.length > 0) head.appendText(CONTENT_TYPE, 'text/plain; charset=utf-8');
  if (flag !== '') head.appendText(WEFT_FLAG, flag);
  const isWhole = body.length === 0 || request.method === METHOD.head;
  stream.sendHead(head, isWhole);
  if (!isWhole) stream.sendData(body, 0, body.length, true);
  return head;
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

function oneLine(text: string): string {
  return text.slice(0, MAX_TEXT).replace(/[^\x20-\x7e]/g, '?');
}
