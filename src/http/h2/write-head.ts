/** Field sections as HEADERS, and as CONTINUATION behind it where one frame is too short. */
import type { Connection } from '../../core/runtime.ts';
import type { Head } from '../head.ts';
import { END_HEADERS, END_STREAM, FRAME, FRAME_HEAD_BYTES, MAX_FRAME_BYTES, putFrameHead } from './frame.ts';
import type { HpackEncoder } from './hpack/encoder.ts';

/** Where a section is encoded that may not fit into one frame. Sections are written whole, so one buffer serves all. */
let spare = Buffer.allocUnsafeSlow(0);

/** As `contentLength`: the section is trailers. */
export const TRAILERS = -2;

/** `contentLength` of -1 is not written. */
export function writeHead(
  connection: Connection,
  encoder: HpackEncoder,
  id: number,
  head: Head,
  contentLength: number,
  last: boolean,
): void {
  const bound = encoder.bound(head);
  if (bound > MAX_FRAME_BYTES) return writeLongHead(connection, encoder, id, head, contentLength, last);
  const at = connection.reserve(FRAME_HEAD_BYTES + bound);
  const start = at + FRAME_HEAD_BYTES;
  const end = encode(encoder, head, contentLength, connection.out, start);
  const flags = last ? END_HEADERS | END_STREAM : END_HEADERS;
  putFrameHead(connection.out, at, end - start, FRAME.headers, flags, id);
  connection.commit(end);
}

function writeLongHead(
  connection: Connection,
  encoder: HpackEncoder,
  id: number,
  head: Head,
  contentLength: number,
  last: boolean,
): void {
  const bound = encoder.bound(head);
  if (bound > spare.length) spare = Buffer.allocUnsafeSlow(bound);
  const end = encode(encoder, head, contentLength, spare, 0);
  let type: number = FRAME.headers;
  let flags = last ? END_STREAM : 0;
  let start = 0;
  do {
    const length = Math.min(end - start, MAX_FRAME_BYTES);
    if (start + length === end) flags |= END_HEADERS;
    const at = connection.reserve(FRAME_HEAD_BYTES + length);
    const to = putFrameHead(connection.out, at, length, type, flags, id);
    connection.out.set(spare.subarray(start, start + length), to);
    connection.commit(to + length);
    start += length;
    type = FRAME.continuation;
    flags = 0;
  } while (start < end);
}

function encode(encoder: HpackEncoder, head: Head, contentLength: number, out: Uint8Array, at: number): number {
  if (contentLength === TRAILERS) return encoder.encodeTrailers(head, out, at);
  return encoder.encode(head, contentLength, out, at);
}
