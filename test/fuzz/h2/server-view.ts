/** What our server end makes of a connection, as plain data that can be compared; each request goes on over HTTP/1.1. */
import { dial, type Dialled } from '../../../src/http/h1/test/dial.ts';
import { Recorder } from '../../../src/http/h1/test/recorder.ts';
import { UPGRADE } from '../../../src/http/field-name.ts';
import { PREFACE } from '../../../src/http/h2/frame.ts';
import { BLOCK } from '../../../src/http/h2/hpack/decoder.ts';
import { DEFAULT_HTTP2_LIMITS, type Http2Limits } from '../../../src/http/h2/limits.ts';
import type { Http2ServerStream } from '../../../src/http/h2/server-stream.ts';
import type { Frame } from '../../../src/http/h2/test/frames.ts';
import { Served } from '../../../src/http/h2/test/serve.ts';
import { Head, UPGRADE_STATE } from '../../../src/http/head.ts';
import { RESET } from '../../../src/http/message.ts';
import { METHOD } from '../../../src/http/method.ts';
import type { Field } from '../hpack/model.ts';
import { saidBy } from '../hpack/said.ts';
import { complaintIn } from './written.ts';

/** Small, so that an input of a few hundred bytes reaches them. */
export const SMALL_LIMITS: Partial<Http2Limits> = {
  maxConcurrentStreams: 4,
  maxHeadBytes: 600,
  maxFields: 12,
  maxTrailerBytes: 120,
  maxBlockBytes: 800,
  maxContinuations: 3,
  resetBurst: 4,
  provokedResetBurst: 4,
  controlFrameBurst: 24,
  maxDiscardBytes: 40,
  maxInterim: 2,
};

const FRUGAL_LIMITS = { ...SMALL_LIMITS, streamWindowBytes: 32, maxStreamWindowBytes: 128 };

/** What the application does with a request. */
export const APP = {
  echo: 'e',
  echoWithTrailers: 't',
  early: 'y',
  reset: 'r',
  never: 'n',
  drain: 'd',
  large: 'l',
  /** Gives credit back as content comes, of a window that is small. */
  frugal: 'f',
} as const;
export type App = (typeof APP)[keyof typeof APP];

export interface SeenRequest {
  readonly id: number;
  readonly fields: readonly Field[];
  readonly contentLength: number;
  readonly isTunnel: boolean;
  readonly body: string;
  readonly trailers: readonly string[] | null;
  readonly done: boolean;
  readonly reset: number | null;
}

export interface ServerView {
  readonly requests: readonly SeenRequest[];
  readonly refused: readonly (readonly [number, string])[];
  readonly limits: readonly string[];
  readonly ended: boolean;
  /** All that our end wrote. */
  readonly frames: readonly Frame[];
  /** What the HTTP/1.1 client wrote for each request, and whether it ended in order; null: the request was a tunnel's. */
  readonly upstream: readonly (Upstream | null)[];
  /** Left behind: streams, calls of `onClosed`. */
  readonly left: readonly [active: number, closed: number];
}

export interface Upstream {
  readonly bytes: Buffer;
  readonly cut: boolean;
}

export interface Server {
  feed(bytes: Uint8Array): void;
  /** `how`: the client ends, the network breaks, or nothing comes any more. */
  finish(how: 'fin' | 'cut' | 'silence'): ServerView;
  /** What our end complained of until now; empty: nothing. */
  readonly complaint: string;
  readonly requests: readonly SeenRequest[];
}

const IDLE_MS = DEFAULT_HTTP2_LIMITS.idleTimeoutMs;
const LARGE = Buffer.alloc(40_000, 'z');

function limitsFor(app: App): Partial<Http2Limits> {
  return app === APP.frugal ? FRUGAL_LIMITS : SMALL_LIMITS;
}

export function startServer(app: App, limits: Partial<Http2Limits> = limitsFor(app)): Server {
  const s = new Served(limits);
  const ups: (Dialled | null)[] = [];
  const heads: Field[][] = [];
  const requests: { contentLength: number; isTunnel: boolean }[] = [];
  const frames: Frame[] = [];
  s.react = (stream, head, receiver) => {
    const isTunnel = head.method === METHOD.connect || head.upgrade !== UPGRADE_STATE.none;
    heads.push(saidBy(head, BLOCK.request));
    requests.push({ contentLength: head.contentLength, isTunnel });
    ups.push(isTunnel ? null : passOn(head, receiver));
    serve(s, app, stream, head, receiver, isTunnel);
  };
  const seen = (): SeenRequest[] =>
    s.receivers.map((r, i) => ({
      id: s.streams[i]?.id ?? 0,
      fields: heads[i] ?? [],
      contentLength: requests[i]?.contentLength ?? -1,
      isTunnel: requests[i]?.isTunnel ?? false,
      body: r.body,
      trailers: r.trailers,
      done: r.done,
      reset: r.reset,
    }));
  const take = (): void => void frames.push(...s.take());
  s.connection.feed(PREFACE);
  return {
    feed(bytes) {
      if (!s.connection.closed) s.connection.feed(bytes);
      take();
    },
    get complaint() {
      return s.refused[0]?.[1] ?? complaintIn(frames);
    },
    get requests() {
      return seen();
    },
    finish(how) {
      if (how === 'fin' && !s.connection.closed) s.connection.fin();
      if (how === 'silence') s.time.advance(2 * IDLE_MS);
      // An application that does not answer is the router's to end.
      if (!s.connection.closed) s.connection.destroy('cut');
      s.time.advance(IDLE_MS);
      take();
      const view: ServerView = {
        requests: seen(),
        refused: s.refused,
        limits: s.limits,
        ended: s.connection.ended,
        frames,
        upstream: ups.map(
          (up) => up && { bytes: Buffer.from(up.connection.written, 'latin1'), cut: up.connection.reason !== '' },
        ),
        left: [s.server.active, s.closed],
      };
      for (const r of s.receivers) r.head?.free();
      return view;
    },
  };
}

/** As the router does: the head, then content as it comes, and a reset for a reset. */
function passOn(head: Head, receiver: Recorder): Dialled {
  const up = dial();
  const to = up.client.open(new Recorder());
  const noteData = receiver.onData.bind(receiver);
  receiver.onData = (bytes, start, end, last) => {
    if (receiver.done || receiver.reset !== null) throw new Error('content after the end');
    to.sendData(bytes, start, end, last);
    noteData(bytes, start, end, last);
  };
  const noteTrailers = receiver.onTrailers.bind(receiver);
  receiver.onTrailers = (fields) => {
    to.sendTrailers(fields);
    noteTrailers(fields);
  };
  const noteReset = receiver.onReset.bind(receiver);
  receiver.onReset = (reason) => {
    if (receiver.done) return noteReset(reason);
    to.reset(reason);
    noteReset(reason);
  };
  to.sendHead(head, receiver.done);
  return up;
}

function serve(
  s: Served,
  app: App,
  stream: Http2ServerStream,
  head: Head,
  receiver: Recorder,
  isTunnel: boolean,
): void {
  if (app === APP.reset) return stream.reset(RESET.cancelled);
  if (app === APP.drain) s.server.drain();
  if (isTunnel) return tunnel(app, stream, head, receiver);
  if (app === APP.never) return;
  if (app === APP.early) {
    stream.discard();
    return answer(stream, app, 'early');
  }
  if (receiver.done) return answer(stream, app, receiver.body);
  const onEnd = (): void => {
    if (app === APP.frugal) stream.release(receiver.pieces.at(-1) ?? 0);
    if (!receiver.done) return;
    stream.release(receiver.body.length);
    answer(stream, app, receiver.body);
  };
  receiver.onDataCalled = onEnd;
  receiver.onTrailersCalled = onEnd;
}

/** Opened for one application, refused by the others. */
function tunnel(app: App, stream: Http2ServerStream, head: Head, receiver: Recorder): void {
  const opens = app === APP.echoWithTrailers;
  const asks = head.upgrade === UPGRADE_STATE.asked;
  const response = Head.response(opens ? (asks ? 101 : 200) : 403);
  if (opens && asks) {
    response.upgrade = UPGRADE_STATE.granted;
    response.appendText(UPGRADE, head.value(UPGRADE) ?? '');
  }
  receiver.onDataCalled = () => {
    if (opens && receiver.done) stream.sendData(Buffer.from('back'), 0, 4, true);
  };
  stream.sendHead(response, !opens);
  response.free();
}

function answer(stream: Http2ServerStream, app: App, body: string): void {
  const bytes = app === APP.large ? LARGE : Buffer.from(body, 'latin1');
  const head = Head.response(200);
  head.contentLength = bytes.length;
  stream.sendHead(head, false);
  head.free();
  stream.sendData(bytes, 0, bytes.length, app !== APP.echoWithTrailers);
  if (app !== APP.echoWithTrailers) return;
  const fields = new Head();
  stream.sendTrailers(fields);
  fields.free();
}
