/**
 * The API over HTTPS: TLS with the mesh's own certificates, bounds on everything a caller can hold, and one answer for
 * every request. What a request means is decided in `dispatch.ts`.
 */
import { constants } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { KindRegistry } from '../../api/registry.ts';
import { type Counter, Counters } from '../../core/counters.ts';
import { isWeftError, messageOf, WeftError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { LogThrottle } from '../../core/log-throttle.ts';
import type { Address, Clock, TlsIdentity } from '../../core/runtime.ts';
import type { Store } from '../store/store.ts';
import { Authenticator } from './authenticate.ts';
import { ensureNamespaces } from './bootstrap.ts';
import { dispatch, type DispatchOptions } from './dispatch.ts';
import type { Route } from './handler.ts';
import { type Bounds, DEFAULT_BOUNDS } from './http/bounds.ts';
import { type LineWriter, respond, respondLines } from './http/respond.ts';
import { RouteTable } from './routes.ts';
import { statusOf } from './status.ts';
import { userText } from './user.ts';
import { type Enrolments, registrationRule } from './writes/registration.ts';
import { Writer } from './writes/writer.ts';

export interface ApiServerOptions {
  readonly store: Store;
  readonly kinds: KindRegistry;
  readonly clock: Clock;
  readonly log: Log;
  readonly listen: Address;
  /** The server's certificate and the roots that client certificates must end in. */
  readonly tls: TlsIdentity;
  readonly trustDomain: string;
  /** SHA-256 of the admin's bearer token (`tokenHash`). */
  readonly adminTokenHash: Uint8Array;
  readonly enrolments: Enrolments;
  /** Endpoints of other parts of the control plane. */
  readonly routes: readonly Route[];
  /** Of the program, for `/version`. */
  readonly version: string;
  /** Unset: always. */
  readonly ready?: () => boolean;
  readonly bounds?: Partial<Bounds>;
  /** Where refused requests are counted; default: nowhere. */
  readonly counters?: Counters;
}

export interface ApiServer {
  /** With the real port. */
  readonly address: Address;
  /** For new connections; open ones keep theirs. */
  setTls(tls: TlsIdentity): void;
  /** Ends watches, waits a moment for answers under way, closes every connection. Leaves the store open. */
  close(): Promise<void>;
}

/** Rejects with `address-in-use`, `permission-denied` or `io` that names the address. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { store, kinds, clock } = options;
  await ensureNamespaces(store, clock.wall());
  const writer = new Writer({ store, kinds, clock, rule: registrationRule(options.enrolments) });
  const frontDoor = new FrontDoor(options, { store, kinds, clock, writer, enrolments: options.enrolments });
  await frontDoor.listen(options.listen);
  return frontDoor;
}

/** Lines about refusals of one host that come at once: who looks into a few finds each in the log. */
const REFUSAL_BURST = 20;

/** Of a request, for the log. */
interface About {
  readonly [field: string]: unknown;
  readonly remote: string;
}

class FrontDoor implements ApiServer {
  readonly #server: Server;
  readonly #bounds: Bounds;
  readonly #log: Log;
  readonly #authenticator: Authenticator;
  readonly #dispatch: DispatchOptions;
  readonly #underWay = new Set<AbortController>();
  readonly #throttle: LogThrottle;
  readonly #refused: Readonly<Record<'unauthenticated' | 'forbidden', Counter>>;
  /** Refusals without a line since the last one that had one. */
  #untold = 0;
  #closing = false;
  #watches = 0;

  constructor(options: ApiServerOptions, verbs: DispatchOptions['verbs']) {
    const bounds = { ...DEFAULT_BOUNDS, ...options.bounds };
    this.#bounds = bounds;
    this.#log = options.log;
    this.#throttle = new LogThrottle(options.clock, REFUSAL_BURST);
    const counters = options.counters ?? new Counters();
    const refused = (code: string): Counter => counters.counter('weft_api_refused_total', { code });
    this.#refused = { unauthenticated: refused('unauthenticated'), forbidden: refused('forbidden') };
    const { adminTokenHash, trustDomain, clock } = options;
    this.#authenticator = new Authenticator({ adminTokenHash, trustDomain, wall: () => clock.wall() });
    this.#dispatch = {
      verbs,
      routes: new RouteTable(options.routes),
      bounds,
      version: options.version,
      ready: options.ready ?? (() => true),
    };
    this.#server = createServer(
      {
        ...tlsOptions(options.tls),
        requestCert: true,
        // Callers without a certificate are welcome; `authenticate.ts` looks at what was verified.
        rejectUnauthorized: false,
        minVersion: 'TLSv1.2',
        ALPNProtocols: ['http/1.1'],
        handshakeTimeout: bounds.handshakeTimeoutMs,
        maxHeaderSize: bounds.maxHeadBytes,
        headersTimeout: bounds.headTimeoutMs,
        requestTimeout: bounds.requestTimeoutMs,
        keepAliveTimeout: bounds.idleTimeoutMs,
        connectionsCheckingInterval: 1_000,
      },
      (request, response) => void this.#serve(request, response),
    );
    this.#server.maxConnections = bounds.maxConnections;
    this.#server.on('tlsClientError', (error, socket) => {
      this.#log.debug('a TLS handshake with the API failed', {
        remote: socket.remoteAddress,
        reason: messageOf(error),
      });
    });
  }

  get address(): Address {
    const { address, port } = this.#server.address() as AddressInfo;
    return { host: address, port };
  }

  listen(at: Address): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error) => reject(listenError(error, at)));
      this.#server.listen(at.port, at.host, () => {
        // A connection that cannot be accepted (no descriptors left) must not end the control plane.
        this.#server.on('error', (error) =>
          this.#log.error('the API could not accept a connection', { reason: messageOf(error) }),
        );
        resolve();
      });
    });
  }

  setTls(tls: TlsIdentity): void {
    this.#server.setSecureContext(tlsOptions(tls));
  }

  close(): Promise<void> {
    this.#closing = true;
    for (const each of this.#underWay) each.abort();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#server.closeAllConnections(), this.#bounds.closeTimeoutMs);
      this.#server.close(() => {
        clearTimeout(timer);
        resolve();
      });
      this.#server.closeIdleConnections();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    this.#underWay.add(gone);
    response.on('close', () => {
      this.#underWay.delete(gone);
      gone.abort();
    });
    const socket = request.socket as TLSSocket;
    const remote = { host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
    const caller = this.#authenticator.identify(request.headers.authorization, socket);
    const about = { method: request.method, path: pathOf(request), user: userText(caller.user), remote: remote.host };
    try {
      const openWatch = () => this.#openWatch(response, about);
      const url = readUrl(request.url ?? '');
      const answer = await dispatch(this.#dispatch, { request, url, caller, remote, signal: gone.signal, openWatch });
      if (answer !== null) respond(response, answer, this.#bounds, request.complete && !this.#closing);
    } catch (error) {
      this.#report(error, about);
      const status = statusOf(error);
      respond(response, { status: status.code, body: status }, this.#bounds, request.complete);
    }
  }

  #openWatch(response: ServerResponse, about: About): LineWriter {
    if (this.#watches >= this.#bounds.maxWatches) {
      throw new WeftError('limit-exceeded', {
        what: `${this.#bounds.maxWatches} watches are open, which is the bound`,
        hint: 'Try again later',
      });
    }
    // A caller that is gone already closes no more: its place would be taken for ever.
    if (!response.closed) {
      this.#watches += 1;
      response.on('close', () => {
        this.#watches -= 1;
      });
    }
    return respondLines(response, this.#bounds, () => {
      this.#log.warn('a watcher took no event for too long and was cut', {
        ...about,
        timeoutMs: this.#bounds.stallTimeoutMs,
      });
    });
  }

  /** Anybody can be refused as often as they like: after a few, a line a second for each host, and how many had none. */
  #reportRefusal(code: 'unauthenticated' | 'forbidden', reason: string, about: About): void {
    this.#refused[code].add(1);
    if (!this.#throttle.allows(`${code} ${about.remote}`)) {
      this.#untold += 1;
      return;
    }
    const untold = this.#untold === 0 ? {} : { untold: this.#untold };
    this.#untold = 0;
    this.#log.warn('an API request was refused', { ...about, code, reason, ...untold });
  }

  /** Refusals are the caller's business; what they say about the control plane is ours. Bodies and tokens are in neither. */
  #report(error: unknown, about: About): void {
    if (!isWeftError(error)) {
      this.#log.error('an API request failed', {
        ...about,
        reason: error instanceof Error ? error.stack : String(error),
      });
    } else if (error.code === 'unauthenticated' || error.code === 'forbidden') {
      this.#reportRefusal(error.code, error.what, about);
    } else {
      this.#log.debug('an API request failed', { ...about, code: error.code, reason: error.what });
    }
  }
}

/** Resumed sessions would bring a certificate that was verified long ago: every connection shows its own anew. */
function tlsOptions({ certificateChainPem, privateKeyPem, trustBundlePem }: TlsIdentity) {
  return {
    cert: certificateChainPem,
    key: privateKeyPem,
    ca: trustBundlePem,
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

/** Origin form only (RFC 9112 section 3.2.1): this is no proxy. */
function readUrl(target: string): URL {
  const text = `https://api${target}`;
  if (target.startsWith('/') && URL.canParse(text)) return new URL(text);
  throw new WeftError('invalid', { what: 'the request target is not a path' });
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0]?.slice(0, 512) ?? '';
}

function listenError(error: unknown, at: Address): WeftError {
  const where = `${at.host}:${at.port}`;
  const code = error instanceof Error && 'code' in error ? error.code : '';
  if (code === 'EADDRINUSE') {
    const hint = 'Another control plane may run there; choose another address with --listen';
    return new WeftError('address-in-use', { what: 'the port of the API is taken', where, hint, cause: error });
  }
  if (code === 'EACCES') {
    const hint = 'Ports below 1024 need rights; choose a higher one with --listen';
    return new WeftError('permission-denied', { what: 'the API may not listen there', where, hint, cause: error });
  }
  return new WeftError('io', { what: `the API cannot listen: ${messageOf(error)}`, where, cause: error });
}
