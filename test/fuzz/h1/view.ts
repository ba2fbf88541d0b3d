/** What our codecs make of bytes, as plain data that can be compared. */
import { Head } from '../../../src/http/head.ts';
import { dial, type Dialled } from '../../../src/http/h1/test/dial.ts';
import { METHOD } from '../../../src/http/method.ts';
import { Recorder, serve } from '../../../src/http/h1/test/recorder.ts';
import type { ServerStream } from '../../../src/http/h1/server-stream.ts';
import { respondLike } from './respond-like.ts';

export interface Message {
  readonly start: string;
  readonly contentLength: number;
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  readonly status: number;
  /** As they came: also those that this hop drops. */
  readonly fields: readonly string[];
  /** Those that filters see. */
  readonly live: readonly string[];
  readonly interim: readonly number[];
  readonly body: string;
  readonly trailers: readonly string[] | null;
  readonly done: boolean;
  readonly reset: number | null;
}

export interface ServerView {
  readonly messages: readonly Message[];
  readonly refused: readonly (readonly [number, string])[];
  readonly written: string;
  readonly ended: boolean;
  readonly closed: boolean;
  /** What the client codec wrote for each request, to a connection of its own. Not part of what splits must leave alike. */
  readonly upstream: readonly Buffer[];
}

/** A server that gets these reads and then FIN, passes each request on and answers it when it is whole. */
export function serverSees(reads: readonly Buffer[]): ServerView {
  const ups: Dialled[] = [];
  const s = serve((stream, head, receiver) => {
    const up = dial();
    ups.push(up);
    const to = up.client.open(new Recorder());
    receiver.onReset = (reason) => {
      receiver.reset = reason;
      to.reset(reason);
    };
    const pass = receiver.onData.bind(receiver);
    receiver.onData = (bytes, start, end, last) => {
      pass(bytes, start, end, last);
      to.sendData(bytes, start, end, last);
      if (last) answer(stream);
    };
    const passTrailers = receiver.onTrailers.bind(receiver);
    receiver.onTrailers = (fields) => {
      to.sendTrailers(fields);
      passTrailers(fields);
      answer(stream);
    };
    to.sendHead(head, receiver.done);
    if (receiver.done) answer(stream, head.method === METHOD.connect);
  });
  for (const read of reads) s.connection.feed(read);
  s.connection.fin();
  const messages = s.receivers.map((r) => messageOf(r));
  for (const r of s.receivers) r.head?.free();
  return {
    messages,
    refused: s.refused,
    written: s.connection.written,
    ended: s.connection.ended,
    closed: s.connection.closed,
    upstream: ups.map((up) => Buffer.from(up.connection.written, 'latin1')),
  };
}

export interface ClientView {
  readonly message: Message;
  /** Whether the connection may carry another exchange, before FIN. */
  readonly kept: boolean;
  /** What the server codec wrote to a client of HTTP/1.1, when the response was whole. Not part of what splits must leave alike. */
  readonly downstream: Buffer | null;
}

/** A client that asked with this method and gets these reads and then FIN. */
export function clientSees(reads: readonly Buffer[], method: string): ClientView {
  const d = dial();
  const r = new Recorder();
  const stream = d.client.open(r);
  const isConnect = method === 'CONNECT';
  const head = Head.request(method, isConnect ? '' : '/', isConnect ? 'a:80' : 'a');
  stream.sendHead(head, true);
  head.free();
  for (const read of reads) if (!d.connection.closed) d.connection.feed(read);
  const kept = d.idle > 0 && !d.connection.closed;
  if (!d.connection.closed) d.connection.fin();
  const downstream = r.done && r.reset === null && !isConnect ? respondLike(r, method) : null;
  const message = messageOf(r);
  r.head?.free();
  return { message, kept, downstream };
}

/** No tunnels: what is in them is nobody's to judge. */
function answer(stream: ServerStream, isConnect = false): void {
  const head = Head.response(isConnect ? 403 : 200);
  stream.sendHead(head, true);
  head.free();
}

function messageOf(r: Recorder): Message {
  const { head } = r;
  const fields: string[] = [];
  const live: string[] = [];
  for (let i = 0; i < (head?.count ?? 0); i++) {
    const pair = [head?.nameText(i) ?? '', head?.text(i) ?? ''];
    fields.push(...pair);
    if (head?.isRemoved(i) === false) live.push(...pair);
  }
  return {
    start: head === null ? '' : `${head.framing} ${head.version} ${head.keepAlive} ${head.upgrade}`,
    contentLength: head?.contentLength ?? -1,
    method: head?.methodText ?? '',
    target: head?.pathText ?? '',
    authority: head?.authorityText ?? '',
    status: head?.status ?? 0,
    fields,
    live,
    interim: r.interim,
    body: r.body,
    trailers: r.trailers,
    done: r.done,
    reset: r.reset,
  };
}
