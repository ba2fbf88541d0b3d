/** What our client end makes of what a server sends to its requests, as plain data; each response goes on over HTTP/1.1. */
import type { Recorder } from '../../../src/http/h1/test/recorder.ts';
import { DEFAULT_HTTP2_LIMITS } from '../../../src/http/h2/limits.ts';
import { BLOCK } from '../../../src/http/h2/hpack/decoder.ts';
import { Dialled } from '../../../src/http/h2/test/dial.ts';
import type { Frame } from '../../../src/http/h2/test/frames.ts';
import { FRAMING } from '../../../src/http/framing.ts';
import type { Head } from '../../../src/http/head.ts';
import type { Stream } from '../../../src/http/message.ts';
import type { Field } from '../hpack/model.ts';
import { saidBy } from '../hpack/said.ts';
import { respondLike } from '../h1/respond-like.ts';
import { SMALL_LIMITS } from './server-view.ts';
import { complaintIn } from './written.ts';

/** What is asked on the streams 1, 3, 5 and 7; the POST goes on for as long as the connection does. */
export const ASKED = ['GET', 'POST', 'HEAD', 'CONNECT'] as const;

/** More than any window that the server has not opened. */
const UPLOAD = Buffer.alloc(70_000, 'u');

export interface SeenResponse {
  readonly id: number;
  readonly method: string;
  readonly status: number;
  readonly fields: readonly Field[];
  readonly contentLength: number;
  readonly isTunnel: boolean;
  readonly interim: readonly number[];
  readonly body: string;
  readonly trailers: readonly string[] | null;
  readonly done: boolean;
  readonly reset: number | null;
  /** What a client of HTTP/1.1 gets, when the response is whole. Not part of what splits must leave alike. */
  readonly downstream: Buffer | null;
}

export interface ClientView {
  readonly responses: readonly SeenResponse[];
  readonly limits: readonly string[];
  readonly ended: boolean;
  readonly frames: readonly Frame[];
  /** Left behind: streams; calls of `onGone` and `onDraining`; streams that may still be opened. */
  readonly left: readonly [active: number, gone: number, drainings: number, room: number];
}

export interface Client {
  feed(bytes: Uint8Array): void;
  finish(how: 'fin' | 'cut' | 'silence'): ClientView;
  /** What our end complained of until now; empty: nothing. */
  readonly complaint: string;
  readonly closed: boolean;
  readonly responses: readonly SeenResponse[];
}

/** `uploads` false: nothing is sent, so that another client in its place has the same windows. */
export function startClient(limits = SMALL_LIMITS, uploads = true): Client {
  const d = new Dialled({ ...limits, maxConcurrentStreams: 10 });
  d.client.onOpen();
  const asked = ASKED.map((method) => ask(d, method, uploads));
  const frames: Frame[] = d.take();
  const seen = (isOver: boolean): SeenResponse[] => asked.map((each, i) => seenOf(each, 2 * i + 1, isOver));
  return {
    feed(bytes) {
      if (!d.connection.closed) d.connection.feed(bytes);
      frames.push(...d.take());
    },
    get complaint() {
      return complaintIn(frames);
    },
    get closed() {
      return d.connection.ended || d.connection.closed;
    },
    get responses() {
      return seen(false);
    },
    finish(how) {
      const room = d.connection.closed ? 0 : d.client.room;
      if (how === 'fin' && !d.connection.closed) d.connection.fin();
      if (how === 'silence') d.time.advance(2 * DEFAULT_HTTP2_LIMITS.idleTimeoutMs);
      if (!d.connection.closed) d.connection.destroy('cut');
      d.time.advance(DEFAULT_HTTP2_LIMITS.idleTimeoutMs);
      frames.push(...d.take());
      const view: ClientView = {
        responses: seen(true),
        limits: d.limits,
        ended: d.connection.ended,
        frames,
        left: [d.client.active, d.gone.length, d.drainings, room],
      };
      for (const { r } of asked) r.head?.free();
      return view;
    },
  };
}

interface Asked {
  readonly method: string;
  readonly r: Recorder;
  readonly stream: Stream;
  said: Field[];
}

function ask(d: Dialled, method: string, uploads: boolean): Asked {
  const { r, stream } = d.ask(method, method !== 'POST');
  const asked: Asked = { method, r, stream, said: [] };
  if (uploads && method === 'POST') stream.sendData(UPLOAD, 0, UPLOAD.length, false);
  r.onHeadCalled = (head: Head) => {
    asked.said = saidBy(head, BLOCK.response);
  };
  const note = r.onData.bind(r);
  r.onData = (bytes, start, end, last) => {
    if (r.reset !== null || (r.done && r.head?.framing !== FRAMING.tunnel)) throw new Error('content after the end');
    note(bytes, start, end, last);
  };
  return asked;
}

function seenOf({ method, r, said }: Asked, id: number, isOver: boolean): SeenResponse {
  const isWhole = r.done && r.reset === null && r.head !== null && method !== 'CONNECT';
  return {
    id,
    method,
    status: r.head?.status ?? 0,
    fields: said,
    contentLength: r.head?.contentLength ?? -1,
    isTunnel: r.head?.framing === FRAMING.tunnel,
    interim: r.interim,
    body: r.body,
    trailers: r.trailers,
    done: r.done,
    reset: r.reset,
    downstream: isOver && isWhole ? respondLike(r, method) : null,
  };
}
