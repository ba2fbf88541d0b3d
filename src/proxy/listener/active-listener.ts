/**
 * One listener at work: takes connections, finds their filter chain, and hands them to what the chain says. Its
 * configuration is replaced in place; connections keep the one they came under and drain when it changes.
 */
import type { Address, Connection, ConnectionHandler, ConnectionInfo } from '../../core/runtime.ts';
import { CallbackTimer } from '../../core/timer-wheel.ts';
import { DEFAULT_HTTP1_LIMITS } from '../../http/h1/limits.ts';
import { matchChain, whyNoChain } from '../../snapshot/match-chain.ts';
import type { Arrival, FilterChain, ListenerConfig } from '../../snapshot/snapshot.ts';
import { Downstream, edgeOf } from '../router/downstream.ts';
import { TcpRelay } from '../router/tcp-relay.ts';
import { admit, whyNoLonger } from './admit.ts';
import { ConnectionLog, ConnectionRecord } from './connection-log.ts';
import { type Detected, RAW } from './detect.ts';
import { Handshake } from './handshake.ts';
import { HttpConnection, type HttpConnectionOwner } from './http-connection.ts';
import type { ListenerWorld } from './listener-world.ts';
import { Peek, type PeekOwner } from './peek.ts';
import { ProxyPreface } from './proxy-preface.ts';
import { Refusals } from './refusals.ts';
import { NOBODY, Refused } from './refused.ts';
import { serveHttp } from './serve-http.ts';
import type { Served } from './served.ts';

/** A client that keeps an idle connection has this long to send another request on it, which is then the last. */
const IDLE_DRAIN_MS = 5_000;
/** Raw connections are not cut by a change at once: Envoy's default drain time. */
const TCP_DRAIN_MS = 600_000;

export class ActiveListener implements PeekOwner, HttpConnectionOwner {
  readonly name: string;
  readonly #world: ListenerWorld;
  readonly #refusals: Refusals;
  readonly #log: ConnectionLog;
  readonly #served = new Set<Served>();
  /** Those of them that carry raw bytes, and what was found at their begin. */
  readonly #raw = new Map<TcpRelay, Detected>();
  /** Connections that are not served yet. */
  readonly #opening = new Set<ProxyPreface | Peek | Handshake>();
  #config: ListenerConfig;
  /** The last silent connection was one whose server spoke first: the next is not made to wait. */
  #serverFirst = false;
  draining = false;
  /** Connections of earlier configurations, by when they are cut; the earliest first. */
  readonly #old = new Map<Served, number>();
  #closesAt = 0;
  readonly #close: CallbackTimer;
  readonly #cut: CallbackTimer;
  readonly #look: CallbackTimer;

  /** The listener that serves an address; null: none does. */
  readonly #at: (address: Address) => ActiveListener | null;

  constructor(config: ListenerConfig, world: ListenerWorld, at: (address: Address) => ActiveListener | null) {
    this.name = config.name;
    this.#at = at;
    this.#config = config;
    this.#world = world;
    this.#refusals = new Refusals(world.router, config.name);
    this.#log = new ConnectionLog(world.router);
    this.#close = new CallbackTimer(() => {
      for (const served of [...this.#old.keys()]) served.drain();
    });
    this.#cut = new CallbackTimer(() => this.#cutOld());
    this.#look = new CallbackTimer(() => this.#lookAtAll());
  }

  get config(): ListenerConfig {
    return this.#config;
  }

  /** Connections with an HTTP exchange in flight, and those that may be about to bring one. */
  get busy(): number {
    let count = this.#opening.size;
    for (const served of this.#served) if (served instanceof HttpConnection && !served.idle) count++;
    return count;
  }

  get connections(): number {
    return this.#served.size;
  }

  /** Holds no connection, in whatever state. */
  get empty(): boolean {
    return this.#served.size === 0 && this.#opening.size === 0;
  }

  /** Connections of the old configuration end in order; new ones get the new one. What its rules deny ends now. */
  update(config: ListenerConfig): void {
    if (config === this.#config) return;
    this.#config = config;
    this.#serverFirst = false;
    this.#denyRaw();
    this.drainServed(IDLE_DRAIN_MS);
  }

  /**
   * Existing connections end: HTTP after the exchange in flight or the next one, after `idleMs` without one, raw bytes
   * when the drain time is over.
   */
  drainServed(idleMs: number): void {
    const { runtime, timers } = this.#world.router;
    const now = runtime.clock.now();
    for (const served of [...this.#served]) {
      // Not moved by a later change: the drain time is a promise to whoever changed the configuration.
      if (!this.#old.has(served)) this.#old.set(served, now + TCP_DRAIN_MS);
      served.announceEnd();
    }
    if (this.#old.size === 0) return;
    if (!this.#close.armed || now + idleMs < this.#closesAt) {
      this.#closesAt = now + idleMs;
      timers.arm(this.#close, idleMs);
    }
    if (!this.#cut.armed) timers.arm(this.#cut, TCP_DRAIN_MS);
  }

  /** Connections that carry something, for who looks for the fullest. */
  get served(): ReadonlySet<Served> {
    return this.#served;
  }

  cutAll(): void {
    for (const open of [...this.#opening, ...this.#served]) open.cut('the listener is closed');
  }

  readonly accept = (connection: Connection): ConnectionHandler => {
    const { connections, router } = this.#world;
    if (!connections.take()) {
      this.#refusals.limit(connection.info, connections.name);
      connection.destroy(connections.name);
      return NOBODY;
    }
    if (router.overload.refusesConnection()) {
      connections.give();
      this.#refusals.limit(connection.info, 'memory');
      connection.destroy('overloaded');
      return NOBODY;
    }
    const { arrival } = this.#config;
    return arrival === null ? this.#inspect(connection) : this.#arrive(connection, arrival, arrival.handsOver);
  };

  /** Finds out where the connection was going and whose it is; who accepted it has counted it. */
  #arrive(connection: Connection, { asksKernel, proxyHeader }: Arrival, mayHandOver: boolean): ConnectionHandler {
    const { router } = this.#world;
    const original = asksKernel ? router.runtime.net.originalDestinations.of(connection) : null;
    const { local } = connection.info;
    const isRestored = original !== null && (original.host !== local.host || original.port !== local.port);
    if (isRestored) connection.info = { ...connection.info, local: original, accepted: local };
    if (proxyHeader === null) return this.#settle(connection, isRestored && mayHandOver);
    const { inspectTimeoutMs, continueOnInspectTimeout } = this.#config;
    const time = { limitMs: inspectTimeoutMs, goesOn: continueOnInspectTimeout };
    const preface = new ProxyPreface(connection, router.timers, proxyHeader, time, {
      done: (isMoved) => {
        this.#opening.delete(preface);
        const next = this.#settle(connection, (isRestored || isMoved) && mayHandOver);
        if (!connection.closed) connection.handler = next;
      },
      wrong: (why) => {
        this.#opening.delete(preface);
        this.#refuse(connection, () => this.#refusals.proxyHeader(connection.info, why));
      },
      closed: () => {
        this.#opening.delete(preface);
        this.#world.connections.give();
      },
    });
    this.#opening.add(preface);
    return preface;
  }

  /** Once: whoever gets it serves it (Envoy's hand_off_restored_destination_connections). */
  #settle(connection: Connection, isElsewhere: boolean): ConnectionHandler {
    const other = isElsewhere ? this.#at(connection.info.local) : null;
    if (other === null || other === this) return this.#inspect(connection);
    const { arrival } = other.#config;
    return arrival === null ? other.#inspect(connection) : other.#arrive(connection, arrival, false);
  }

  #inspect(connection: Connection): ConnectionHandler {
    const { router } = this.#world;
    const { inspectHttp, inspectTimeoutMs } = this.#config;
    const inspectTls = this.#config.inspectTls || this.#config.chains.some((chain) => chain.tls !== null);
    const known = !inspectTls && (!inspectHttp || this.#serverFirst);
    if (known || (this.#serverFirst && this.#takesOnlyRaw(connection))) {
      this.#begin(connection, RAW);
      return connection.closed ? NOBODY : connection.handler;
    }
    const peek = new Peek(connection, this, router.timers, {
      tls: inspectTls,
      http: inspectHttp,
      timeoutMs: inspectTimeoutMs,
    });
    this.#opening.add(peek);
    return peek;
  }

  detected(peek: Peek, found: Detected): void {
    this.#opening.delete(peek);
    this.#begin(peek.connection, found);
  }

  undetected(peek: Peek, silent: boolean): boolean {
    const { connection } = peek;
    const config = this.#config;
    const isTaken = config.continueOnInspectTimeout && matchChain(config, this.#facts(connection.info, RAW)) !== null;
    if (!isTaken && silent) return false;
    this.#opening.delete(peek);
    if (config.continueOnInspectTimeout) this.#begin(connection, RAW);
    else this.#refuse(connection, () => this.#refusals.inspectTimeout(connection.info, config.inspectTimeoutMs));
    return true;
  }

  peekClosed(peek: Peek): void {
    this.#opening.delete(peek);
    this.#world.connections.give();
  }

  connectionEnded(served: Served): void {
    if (!this.#served.delete(served)) return;
    if (served instanceof TcpRelay) this.#raw.delete(served);
    this.#log.ended(served, this.#config.accessLogs ?? null);
    this.#world.connections.give();
    if (this.#served.size === 0) this.#world.router.timers.disarm(this.#look);
    if (!this.#old.delete(served) || this.#old.size > 0) return;
    this.#world.router.timers.disarm(this.#close);
    this.#world.router.timers.disarm(this.#cut);
  }

  #begin(connection: Connection, found: Detected): void {
    const facts = this.#facts(connection.info, found);
    const chain = matchChain(this.#config, facts);
    if (chain === null) {
      const { accessLogs, metadata } = this.#config;
      if (accessLogs) this.#log.unmatched(connection.info, { chainName: '', metadata }, accessLogs);
      this.#refuse(connection, () => this.#refusals.noChain(connection.info, whyNoChain(this.#config, facts)));
      return;
    }
    if (chain.tls === null) {
      this.#serve(connection, chain, false, found);
      return;
    }
    const { chainTls, router } = this.#world;
    const options = chainTls.options(chain.tls, found.serverName);
    if (options === null) {
      this.#refuse(connection, () => this.#refusals.noIdentity(connection.info));
      return;
    }
    const { info } = connection;
    const { handshakes } = router.overload;
    if (!handshakes.take()) {
      this.#refuse(connection, () => this.#refusals.limit(info, handshakes.name));
      return;
    }
    const handshake = new Handshake(router.timers, {
      secured: (done, secured) => {
        this.#opening.delete(done);
        handshakes.give();
        this.#serve(secured, chain, true, found);
      },
      handshakeFailed: (done, reason) => {
        this.#opening.delete(done);
        handshakes.give();
        this.#world.connections.give();
        this.#refusals.tls(info, reason);
      },
    });
    this.#opening.add(handshake);
    handshake.start(router.runtime.net, connection, options);
  }

  #serve(connection: Connection, chain: FilterChain, secure: boolean, found: Detected): void {
    const { direction } = this.#config;
    const { router } = this.#world;
    const { network } = chain;
    const { accessLogs, metadata } = this.#config;
    const place = { chainName: chain.name, metadata };
    const isLogged = Boolean(accessLogs);
    const admission = admit(this.#world.connectionFilters(chain), connection.info);
    if (network.kind === 'http') {
      if (!admission.allowed) {
        this.#refuse(connection, () => this.#refusals.denied(connection.info, admission.detail));
        return;
      }
      const filters = this.#world.filters(network);
      const down = new Downstream(router, network, filters, direction, connection.info, secure, place);
      const serving = serveHttp(connection, down, this, found);
      this.#served.add(serving);
      if (isLogged) {
        this.#log.begun(
          serving,
          new ConnectionRecord(connection.info, router.runtime.clock, ''),
          down.connectionId,
          place,
        );
      }
      if (!this.#look.armed) router.timers.arm(this.#look, DEFAULT_HTTP1_LIMITS.stallTimeoutMs);
      return;
    }
    const relay: TcpRelay = new TcpRelay(router, connection, {
      proxy: network,
      edge: edgeOf(router, direction, connection.info, secure),
      secure,
      admission,
      place,
      closed: () => this.connectionEnded(relay),
      spokeFirst: (side) => {
        this.#serverFirst = side === 'server';
      },
    });
    this.#served.add(relay);
    if (isLogged) this.#log.begun(relay, relay, relay.connectionId, place);
    this.#raw.set(relay, found);
    relay.start();
  }

  /**
   * Requests are judged one by one; a connection of raw bytes may last for days after the rules that it came under. One that
   * no chain takes any more has no rules to be judged by and drains as the others do.
   */
  #denyRaw(): void {
    for (const [relay, found] of [...this.#raw]) {
      const { info } = relay;
      const chain = matchChain(this.#config, this.#facts(info, found));
      const why = chain === null ? null : whyNoLonger(this.#world.connectionFilters(chain), info);
      if (why !== null) relay.deny(why);
    }
  }

  /** No TLS ends here, so a guess that the bytes are raw takes nothing away from anybody. */
  #takesOnlyRaw(connection: Connection): boolean {
    const { chains } = this.#config;
    return (
      chains.every(({ tls }) => tls === null) && matchChain(this.#config, this.#facts(connection.info, RAW)) !== null
    );
  }

  /** A look a minute at every connection costs less than a timer for every request. */
  #lookAtAll(): void {
    for (const served of [...this.#served]) if (served instanceof HttpConnection) served.look();
    if (this.#served.size > 0) this.#world.router.timers.arm(this.#look, DEFAULT_HTTP1_LIMITS.stallTimeoutMs);
  }

  #cutOld(): void {
    const { runtime, timers } = this.#world.router;
    const now = runtime.clock.now();
    for (const [served, cutAt] of [...this.#old]) {
      if (cutAt <= now) served.cut('the listener changed and its drain time is over');
      else return timers.arm(this.#cut, cutAt - now);
    }
  }

  #facts(info: ConnectionInfo, found: Detected) {
    const destination = this.#world.router.destination.of(info);
    return {
      ...found,
      destinationHost: destination.host,
      destinationPort: destination.port,
      sourceHost: info.remote.host,
      sourcePort: info.remote.port,
      directSourceHost: (info.direct ?? info.remote).host,
    };
  }

  #refuse(connection: Connection, tell: () => void): void {
    tell();
    connection.handler = new Refused(() => this.#world.connections.give());
    connection.destroy('refused');
  }
}
