/** A response on its way to a client of HTTP/1.1. */
import { Head } from '../../../src/http/head.ts';
import { type Recorder, serve } from '../../../src/http/h1/test/recorder.ts';

/** What a client of HTTP/1.1 gets when this response is passed on. */
export function respondLike(r: Recorder, method: string): Buffer | null {
  const { head } = r;
  if (head === null) return null;
  const s = serve();
  s.connection.feed(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`);
  const [stream] = s.streams;
  const hasContent = r.body !== '' || r.trailers !== null;
  stream?.sendHead(head, !hasContent);
  if (r.trailers === null) stream?.sendData(Buffer.from(r.body, 'latin1'), 0, r.body.length, true);
  else {
    stream?.sendData(Buffer.from(r.body, 'latin1'), 0, r.body.length, false);
    const trailers = new Head();
    stream?.sendTrailers(trailers);
    trailers.free();
  }
  s.receivers[0]?.head?.free();
  return Buffer.from(s.connection.written, 'latin1');
}
