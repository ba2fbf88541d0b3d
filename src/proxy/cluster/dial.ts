/**
 * One connection being made to an endpoint: resolve, connect, TLS, within one deadline. Pools wait for it; what is
 * above them never sees a connection that is not ready to carry bytes.
 */
import type { Connection, ConnectionHandler, ResolvedAddress, Runtime, SocketOptions } from '../../core/runtime.ts';
import { messageOf } from '../../core/errors.ts';
import { Timer, type Timers } from '../../core/timer-wheel.ts';
import { announcement, type Ends } from './announcement.ts';
import { connectInternally } from './internal-connection.ts';
import type { InternalTargets } from './internal-targets.ts';
import type { OwnAddresses } from './own-addresses.ts';
import type { EndpointAddress } from '../../snapshot/snapshot.ts';
import type { UpstreamTransport } from './upstream-transport.ts';
import { isIpLiteral, type ResolveCache } from './resolve-cache.ts';

/** Everything that making connections takes; one a proxy. */
export interface Dialer {
  readonly runtime: Runtime;
  readonly timers: Timers;
  readonly resolver: ResolveCache;
  readonly internals: InternalTargets;
  readonly own: OwnAddresses;
}

/** Where a connection goes, and who is told how it went there. */
export interface DialTarget {
  readonly address: EndpointAddress;
  /** null: plaintext. */
  readonly transport: UpstreamTransport | null;
  /** null: as the system makes connections. */
  readonly socket: SocketOptions | null;
  /** The version of the PROXY header that a connection begins with; 0: none. */
  readonly announces: 0 | 1 | 2;
  /** Named by a request: it must not be an address of this proxy itself. */
  readonly isForward: boolean;
  connected(): void;
  connectFailed(now: number): void;
}

/** Exactly one of the two, once, never before `start` returns. */
export interface DialOwner {
  /** Whoever is told sets the connection's handler before it returns. */
  dialed(dial: Dial, connection: Connection): void;
  dialFailed(dial: Dial, reason: string): void;
}

export class Dial extends Timer implements ConnectionHandler {
  readonly #dialer: Dialer;
  readonly #owner: DialOwner;
  readonly #target: DialTarget;
  #connection: Connection | null = null;
  readonly #ends: Ends | null;
  #securing = false;
  #done = false;
  #more: readonly ResolvedAddress[] = [];

  /** `ends`: on whose behalf, for a target that is told; null: nobody's. */
  constructor(dialer: Dialer, owner: DialOwner, target: DialTarget, ends: Ends | null = null) {
    super();
    this.#ends = ends;
    this.#dialer = dialer;
    this.#owner = owner;
    this.#target = target;
  }

  start(timeoutMs: number): void {
    this.#dialer.timers.arm(this, timeoutMs);
    const { address } = this.#target;
    if (address.kind === 'internal') this.#connectInternal(address.listener);
    else if (isIpLiteral(address.host)) this.#connect(address.host, address.port);
    else this.#resolve(address.host, address.port);
  }

  /** Nobody waits any longer; neither callback follows. */
  cancel(): void {
    this.#finish();
    this.#connection?.destroy('no longer needed');
  }

  override fire(): void {
    this.#fail('connect timeout');
    this.#connection?.destroy('connect timeout');
  }

  onOpen(): void {
    const connection = this.#connection;
    if (this.#done || connection === null) return;
    const { transport, announces } = this.#target;
    if (announces !== 0 && !this.#securing) {
      const header = announcement(announces, this.#ends);
      connection.write(header, 0, header.length);
    }
    if (transport !== null && !this.#securing) {
      const options = transport.options();
      if (options === null) {
        this.#fail('tls: no valid identity');
        connection.destroy('no valid identity');
        return;
      }
      this.#securing = true;
      this.#connection = this.#dialer.runtime.net.secure(connection, options, this);
      return;
    }
    this.#finish();
    this.#target.connected();
    this.#owner.dialed(this, connection);
  }

  /** Bytes cannot come before `onOpen` of a TLS connection; of a plain one the handler has been replaced by then. */
  onBytes(): void {}
  onDrained(): void {}
  onEnd(): void {}

  onClose(reason: string): void {
    if (this.#done) return;
    const [next, ...more] = this.#more;
    const { address } = this.#target;
    if (next === undefined || this.#securing || address.kind !== 'socket') {
      this.#fail(reason === '' ? 'closed before it was open' : reason);
      return;
    }
    this.#more = more;
    this.#connect(next.host, address.port);
  }

  #connect(host: string, port: number): void {
    if (this.#target.isForward && this.#dialer.own.has(host, port)) {
      // Not before `start` has returned.
      this.#dialer.runtime.endOfTurn(() => this.#fail('it is an address of this proxy itself'));
      return;
    }
    const { socket } = this.#target;
    this.#connection = this.#dialer.runtime.net.connect({ host, port }, this, socket ?? undefined);
  }

  #connectInternal(listener: string): void {
    const accept = this.#dialer.internals.find(listener);
    const { endOfTurn } = this.#dialer.runtime;
    if (accept === null) {
      endOfTurn(() => this.#fail(`no internal listener ${listener}`));
      return;
    }
    const here = { host: '127.0.0.1', port: 0 };
    const { near, far } = connectInternally(endOfTurn, { local: here, remote: here, tls: null }, this);
    this.#connection = near;
    far.handler = accept(far);
  }

  #resolve(host: string, port: number): void {
    this.#dialer.resolver.resolve(host).then(
      (addresses) => {
        const [first, ...more] = addresses;
        if (this.#done) return;
        if (first === undefined) return this.#fail(`${host} has no address`);
        this.#more = more;
        this.#connect(first.host, port);
      },
      (error: unknown) => this.#fail(messageOf(error)),
    );
  }

  #fail(reason: string): void {
    if (this.#done) return;
    this.#finish();
    this.#target.connectFailed(this.#dialer.runtime.clock.now());
    this.#owner.dialFailed(this, reason);
  }

  #finish(): void {
    this.#done = true;
    this.#dialer.timers.disarm(this);
  }
}
