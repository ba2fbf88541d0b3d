/**
 * A response of the proxy's own: the one form in which a caller sees that not the service but the mesh answered. A gRPC
 * caller gets a response that is only trailers, because its library reads nothing else.
 */
import { bytesOf } from '../../core/bytes.ts';
import { CONTENT_TYPE, FieldName } from '../../http/field-name.ts';
import type { ResponseFlag } from '../../http/flags.ts';
import { GRPC_STATUS, GRPC_STATUS_FIELD, grpcStatusOfHttp } from '../../http/grpc/status.ts';
import { Head } from '../../http/head.ts';
import type { FieldEdits } from '../../snapshot/route-edits.ts';
import { METHOD } from '../../http/method.ts';
import { RESET, type ResetReason, type Stream } from '../../http/message.ts';

const WEFT_FLAG = new FieldName('x-weft-flag');
const GRPC_MESSAGE = new FieldName('grpc-message');
const GRPC_CONTENT = 'application/grpc';
const MAX_TEXT = 500;
const MAX_CONTENT_TYPE = 100;

/**
 * `weft: no healthy endpoint for catalog.shop (UH)`: one line, nothing in it that a caller may not know. Without a flag
 * the text is a route's own direct response, as it is. Returns the head that was sent; it is the caller's.
 */
export function sendReply(
  stream: Stream,
  request: Head,
  status: number,
  flag: ResponseFlag,
  text: string,
  edit: HeadEdit = null,
  mapped: ReplyContent | null = null,
): Head {
  const body = mapped?.body ?? bytesOf(flag === '' ? text : `${describe(flag, text)}\n`);
  const head = Head.response(status);
  head.contentLength = body.length;
  if (body.length > 0) head.appendText(CONTENT_TYPE, mapped?.contentType || 'text/plain; charset=utf-8');
  if (flag !== '') head.appendText(WEFT_FLAG, flag);
  edit?.(head);
  const isWhole = body.length === 0 || request.method === METHOD.head;
  stream.sendHead(head, isWhole);
  if (!isWhole) stream.sendData(body, 0, body.length, true);
  return head;
}

/** What the configuration makes of an answer of ours. */
export interface ReplyContent {
  readonly body: Buffer;
  /** Empty: that of a text. */
  readonly contentType: string;
  readonly edits: readonly FieldEdits[];
}

/** What would be said without a mapping, as one line. */
export function replyText(flag: ResponseFlag, text: string): string {
  return flag === '' ? text : describe(flag, text);
}

/** What a route says of every response of its requests, the proxy's own included. */
export type HeadEdit = ((head: Head) => void) | null;

/** The same to a gRPC caller: 200 whose head is all there is, the failure in `grpc-status`. */
export function sendGrpcReply(
  stream: Stream,
  request: Head,
  grpcStatus: number,
  flag: ResponseFlag,
  text: string,
  edit: HeadEdit = null,
): Head {
  const head = Head.response(200);
  const type = request.value(CONTENT_TYPE) ?? GRPC_CONTENT;
  head.appendText(CONTENT_TYPE, type.length <= MAX_CONTENT_TYPE ? type : GRPC_CONTENT);
  putFailure(head, grpcStatus, flag, text);
  edit?.(head);
  stream.sendHead(head, true);
  return head;
}

/** Trailers that end a gRPC response that had begun: a library tells them from a success, whatever came before. */
export function sendGrpcFailure(stream: Stream, grpcStatus: number, flag: ResponseFlag, text: string): void {
  const trailers = new Head();
  putFailure(trailers, grpcStatus, flag, text);
  stream.sendTrailers(trailers);
  trailers.free();
}

/** What a caller of gRPC is told of a reply with that HTTP status: its deadline where time ran out, else gRPC's mapping. */
export function grpcStatusOf(status: number, flag: ResponseFlag): number {
  return flag === 'UT' || flag === 'DT' ? GRPC_STATUS.deadlineExceeded : grpcStatusOfHttp(status);
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
    case RESET.refused:
      return 'stream refused';
    case RESET.aborted:
      return 'stream reset before the response';
    default:
      return 'connection closed before the response';
  }
}

function putFailure(fields: Head, grpcStatus: number, flag: ResponseFlag, text: string): void {
  fields.appendText(GRPC_STATUS_FIELD, String(grpcStatus));
  // Percent-encoded, as gRPC wants it; everything else that would be is a question mark already.
  const message = describe(flag, text).replaceAll('%', '%25');
  if (message !== '') fields.appendText(GRPC_MESSAGE, message);
  if (flag !== '') fields.appendText(WEFT_FLAG, flag);
}

function describe(flag: ResponseFlag, text: string): string {
  return flag === '' ? oneLine(text) : `weft: ${oneLine(text)} (${flag})`;
}

function oneLine(text: string): string {
  return text.slice(0, MAX_TEXT).replace(/[^\x20-\x7e]/g, '?');
}
