/** A MessageReceiver that writes down what it was told, and a server around it. */
import { Head } from '../../head.ts';
import type { MessageReceiver, ResetReason } from '../../message.ts';
import { DEFAULT_HTTP1_LIMITS, type Http1Limits } from '../limits.ts';
import { Http1Server } from '../server.ts';
import type { ServerStream } from '../server-stream.ts';
import { ManualTime, MemoryConnection } from './memory-connection.ts';

export class Recorder implements MessageReceiver {
  head: Head | null = null;
  interim: number[] = [];
  body = '';
  pieces: number[] = [];
  done = false;
  trailers: string[] | null = null;
  reset: ResetReason | null = null;
  writable = 0;
  onHeadCalled: ((head: Head, last: boolean) => void) | null = null;
  onDataCalled: (() => void) | null = null;
  onTrailersCalled: (() => void) | null = null;

  onHead(head: Head, last: boolean): void {
    this.#mustBeOpen();
    if (head.status >= 100 && head.status < 200 && head.status !== 101) {
      this.interim.push(head.status);
      head.free();
      return;
    }
    if (this.head !== null) throw new Error('two heads');
    this.head = head;
    this.done = last;
    this.onHeadCalled?.(head, last);
  }

  onData(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    // After 101 and CONNECT the request's direction opens again.
    this.body += Buffer.from(bytes.subarray(start, end)).toString('latin1');
    this.pieces.push(end - start);
    this.done = last;
    this.onDataCalled?.();
  }

  onTrailers(fields: Head): void {
    this.#mustBeOpen();
    this.trailers = [];
    for (let i = 0; i < fields.count; i++) this.trailers.push(`${fields.nameText(i)}=${fields.text(i)}`);
    fields.free();
    this.done = true;
    this.onTrailersCalled?.();
  }

  onWritable(): void {
    this.writable++;
  }

  onReset(reason: ResetReason): void {
    if (this.reset !== null) throw new Error('two resets');
    this.reset = reason;
  }

  #mustBeOpen(): void {
    if (this.done) throw new Error('event after the end of the message');
    if (this.reset !== null) throw new Error('event after a reset');
  }
}

export interface Served {
  readonly connection: MemoryConnection;
  readonly time: ManualTime;
  readonly server: Http1Server;
  readonly streams: ServerStream[];
  readonly receivers: Recorder[];
  readonly refused: [number, string][];
  /** Names of bounds. */
  readonly limitsFired: string[];
  closed: number;
}

/** `react` runs within `onHead`. */
export function serve(
  react: ((stream: ServerStream, head: Head, receiver: Recorder) => void) | null = null,
  limits: Partial<Http1Limits> = {},
): Served {
  const connection = new MemoryConnection();
  const time = new ManualTime();
  const streams: ServerStream[] = [];
  const receivers: Recorder[] = [];
  const refused: [number, string][] = [];
  const limitsFired: string[] = [];
  const server = new Http1Server(connection, {
    limits: { ...DEFAULT_HTTP1_LIMITS, ...limits },
    timers: time.timers,
    callbacks: {
      open(stream) {
        const receiver = new Recorder();
        streams.push(stream);
        receivers.push(receiver);
        if (react !== null) receiver.onHeadCalled = (head) => react(stream, head, receiver);
        return receiver;
      },
      onRefused(status, detail) {
        refused.push([status, detail]);
      },
      onLimit(name) {
        limitsFired.push(name);
      },
      onClosed() {
        served.closed++;
      },
    },
  });
  const served: Served = { connection, time, server, streams, receivers, refused, limitsFired, closed: 0 };
  return served;
}

export const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

export function respond(stream: ServerStream, status = 200, body = ''): void {
  const head = Head.response(status);
  head.contentLength = body.length;
  stream.sendHead(head, body === '');
  head.free();
  if (body !== '') send(stream, body, true);
}

export function send(stream: ServerStream, text: string, last: boolean): void {
  stream.sendData(Buffer.from(text, 'latin1'), 0, text.length, last);
}

/** One request in, its recorder and stream out. */
export function one(input: string, limits = {}): { s: Served; r: Recorder; stream: ServerStream } {
  const s = serve(null, limits);
  s.connection.feed(input);
  const r = s.receivers[0];
  const stream = s.streams[0];
  if (r === undefined || stream === undefined) throw new Error(`refused: ${s.refused.join()}`);
  return { s, r, stream };
}
