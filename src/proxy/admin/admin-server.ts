/**
 * The admin endpoint of a proxy: loopback only, on our own HTTP server, so that it costs a sidecar no second one. It
 * shows state and changes nothing but by POST.
 */
import { bytesOf } from '../../core/bytes.ts';
import type { Address, Connection, Listener, Runtime } from '../../core/runtime.ts';
import type { Timers } from '../../core/timer-wheel.ts';
import { DEFAULT_HTTP1_LIMITS } from '../../http/h1/limits.ts';
import { Http1Server, type Http1ServerCallbacks } from '../../http/h1/server.ts';
import { CONTENT_TYPE, FieldName } from '../../http/field-name.ts';
import { Head } from '../../http/head.ts';
import type { MessageReceiver, Stream } from '../../http/message.ts';

const CACHE_CONTROL = new FieldName('cache-control');
const MAX_CONNECTIONS = 64;
const ORIGIN = new FieldName('origin');
const SEC_FETCH_SITE = new FieldName('sec-fetch-site');
/** A page on the web may make a browser resolve its own name to 127.0.0.1; it cannot choose what Host says then. */
const LOCAL_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;

export interface AdminAnswer {
  readonly status: number;
  readonly type:
    | 'text/plain; charset=utf-8'
    | 'application/json'
    | 'text/plain; version=0.0.4'
    | 'application/x-protobuf';
  readonly body: string | Uint8Array;
}

/** By `METHOD /path`. */
export type AdminRoutes = ReadonlyMap<string, (query: URLSearchParams) => AdminAnswer>;

export function jsonAnswer(value: unknown): AdminAnswer {
  return { status: 200, type: 'application/json', body: `${JSON.stringify(value, null, 2)}\n` };
}

export function textAnswer(status: number, text: string): AdminAnswer {
  return { status, type: 'text/plain; charset=utf-8', body: `${text}\n` };
}

/** Rejects when the address cannot be bound. */
export async function serveAdmin(
  runtime: Runtime,
  timers: Timers,
  at: Address,
  routes: AdminRoutes,
): Promise<Listener> {
  let open = 0;
  const callbacks: Http1ServerCallbacks = {
    open: (stream, head) => new AdminExchange(stream, head, routes),
    onRefused: () => {},
    onLimit: () => {},
    onClosed: () => {
      open--;
    },
  };
  const accept = (connection: Connection) => {
    const server = new Http1Server(connection, { limits: DEFAULT_HTTP1_LIMITS, timers, callbacks });
    if (++open > MAX_CONNECTIONS) connection.destroy('too many admin connections');
    return server;
  };
  return runtime.net.listen(at, accept);
}

/** Browsers say where a request comes from, and pages cannot change that; a form of any page could POST to us otherwise. */
function isOfAnotherSite(head: Head): boolean {
  if (head.find(ORIGIN) >= 0) return true;
  const site = head.value(SEC_FETCH_SITE);
  return site !== null && site !== 'none' && site !== 'same-origin';
}

class AdminExchange implements MessageReceiver {
  readonly #stream: Stream;
  readonly #head: Head;
  readonly #routes: AdminRoutes;

  constructor(stream: Stream, head: Head, routes: AdminRoutes) {
    this.#stream = stream;
    this.#head = head;
    this.#routes = routes;
  }

  onHead(head: Head, last: boolean): void {
    const answer = this.#answer();
    const body = typeof answer.body === 'string' ? bytesOf(answer.body) : answer.body;
    const response = Head.response(answer.status);
    response.contentLength = body.length;
    response.appendText(CONTENT_TYPE, answer.type);
    response.appendText(CACHE_CONTROL, 'no-store');
    const withoutBody = head.methodText === 'HEAD';
    this.#stream.sendHead(response, withoutBody);
    if (!withoutBody) this.#stream.sendData(body, 0, body.length, true);
    response.free();
    if (!last) this.#stream.discard();
    head.free();
  }

  onData(): void {}
  onWritable(): void {}
  onReset(): void {}

  onTrailers(fields: Head): void {
    fields.free();
  }

  #answer(): AdminAnswer {
    const head = this.#head;
    if (!LOCAL_HOST.test(head.authorityText)) return textAnswer(403, 'this endpoint answers to loopback names only');
    if (isOfAnotherSite(head)) return textAnswer(403, 'this endpoint answers no page of another site');
    const target = head.pathText;
    const mark = target.indexOf('?');
    const path = mark < 0 ? target : target.slice(0, mark);
    const method = head.methodText === 'HEAD' ? 'GET' : head.methodText;
    const route = this.#routes.get(`${method} ${path}`);
    if (route !== undefined) return route(new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1)));
    const known = [...this.#routes.keys()];
    if (known.some((key) => key.endsWith(` ${path}`))) return textAnswer(405, 'wrong method');
    return textAnswer(path === '/' ? 200 : 404, known.join('\n'));
  }
}
