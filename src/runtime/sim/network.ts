/**
 * The simulated network: hosts by address, listeners, links with faults, partitions. A host's loopback addresses
 * (127/8, ::1) are its own; every other address is a host of the network.
 */
import { sourceFor } from '../../core/source-address.ts';
import { WeftError } from '../../core/errors.ts';
import type {
  Address,
  Connection,
  ConnectionHandler,
  DatagramSocket,
  Listener,
  OriginalDestinations,
  SocketOptions,
} from '../../core/runtime.ts';
import { SimConnection } from './connection.ts';
import { type OnDatagram, SimDatagrams } from './datagrams.ts';
import type { EventQueue } from './event-queue.ts';
import { CONNECT_TIMEOUT_MS, DEFAULT_LINK, type Link, type LinkOptions } from './link.ts';
import type { Accept, Medium, Process } from './medium.ts';
import type { SeededRandom } from './random.ts';

const FIRST_FREE_PORT = 40_000;
const LAST_PORT = 65_535;

interface Listening {
  readonly process: Process;
  readonly accept: Accept;
}

class SimRedirects implements OriginalDestinations {
  readonly fault = null;
  readonly from = new Map<number, Address>();

  of({ info }: Connection): Address | null {
    return this.from.get(info.remote.port) ?? null;
  }
}

export class SimNetwork implements Medium {
  readonly events: EventQueue;
  readonly random: SeededRandom;
  /** What was redirected, by the port that the client came from; tests fill it in. */
  readonly redirects = new SimRedirects();
  readonly names = new Map<string, readonly string[]>();
  /** The most bytes that one direction held at once, of any connection. */
  peakBacklogBytes = 0;
  readonly #listeners = new Map<string, Listening>();
  readonly #connections = new Set<SimConnection>();
  readonly #links = new Map<string, Link>();
  readonly #cut = new Set<string>();
  readonly #datagrams = new SimDatagrams(this);
  #defaultLink: Link = DEFAULT_LINK;
  #nextPort = FIRST_FREE_PORT;
  #nextId = 1;

  constructor(events: EventQueue, random: SeededRandom) {
    this.events = events;
    this.random = random;
  }

  /** For all pairs of hosts without a link of their own, from now on. */
  setDefaultLink(link: LinkOptions): void {
    this.#defaultLink = { ...DEFAULT_LINK, jitterMs: link.latencyMs ?? DEFAULT_LINK.jitterMs, ...link };
  }

  setLink(a: string, b: string, link: LinkOptions): void {
    this.#links.set(pairOf(a, b), { ...DEFAULT_LINK, jitterMs: link.latencyMs ?? DEFAULT_LINK.jitterMs, ...link });
  }

  linkOf(a: string, b: string): Link {
    return this.#links.get(pairOf(a, b)) ?? this.#defaultLink;
  }

  /** Nothing passes between the two until `heal`; what is under way is sent again then. */
  partition(a: string, b: string): void {
    this.#cut.add(pairOf(a, b));
  }

  heal(a: string, b: string): void {
    this.#cut.delete(pairOf(a, b));
  }

  isCut(a: string, b: string): boolean {
    return this.#cut.has(pairOf(a, b));
  }

  /** Resets every connection between the two, seen by both at once. */
  resetBetween(a: string, b: string): void {
    const pair = pairOf(a, b);
    for (const connection of [...this.#connections]) {
      if (pairOf(connection.process.host, connection.peerHost) === pair) connection.destroy('read: ECONNRESET');
    }
  }

  /** The end of a process: its listeners are gone and its peers see resets. No handler of its own is called. */
  kill(process: Process): void {
    process.alive = false;
    for (const [key, listening] of this.#listeners) if (listening.process === process) this.#listeners.delete(key);
    for (const connection of [...this.#connections]) if (connection.process === process) connection.vanish();
  }

  get openConnections(): number {
    return this.#connections.size;
  }

  listen(process: Process, at: Address, accept: Accept): Listener {
    const port = at.port === 0 ? this.#freePort() : at.port;
    const key = listenerKey(process.host, at.host, port);
    const wildcard = listenerKey(process.host, '0.0.0.0', port);
    if (this.#listeners.has(key) || this.#listeners.has(wildcard)) {
      throw new WeftError('address-in-use', {
        what: 'The address is in use by another process',
        where: `${at.host}:${port}`,
      });
    }
    this.#listeners.set(key, { process, accept });
    return {
      address: { host: at.host, port },
      close: async () => {
        this.#listeners.delete(key);
      },
    };
  }

  connect(process: Process, to: Address, handler: ConnectionHandler, how?: SocketOptions): SimConnection {
    const peerHost = isLoopback(to.host) ? process.host : to.host;
    const own = isLoopback(to.host) ? to.host : process.host;
    const local = { host: sourceFor(to, how)?.host ?? own, port: this.#freePort() };
    const near = new SimConnection(this, process, peerHost, this.#nextId++, { local, remote: to, tls: null }, handler);
    this.#connections.add(near);
    const link = this.linkOf(process.host, peerHost);
    const refuse = (code: string): void => near.destroy(`connect: ${code} ${to.host}:${to.port}`);
    if (this.isCut(process.host, peerHost)) {
      this.events.after(CONNECT_TIMEOUT_MS, () => refuse('ETIMEDOUT'));
      return near;
    }
    this.events.after(this.flightMs(link), () => {
      if (near.closed) return;
      const listening = this.#find(peerHost, to);
      if (listening === undefined) {
        this.events.after(this.flightMs(link), () => refuse('ECONNREFUSED'));
        return;
      }
      const far = new SimConnection(
        this,
        listening.process,
        process.host,
        this.#nextId++,
        { local: to, remote: local, tls: null },
        NO_HANDLER,
      );
      this.#connections.add(far);
      near.join(far);
      far.join(near);
      far.accepted(listening.accept);
      this.events.after(this.flightMs(link), () => near.established());
    });
    return near;
  }

  bindDatagram(process: Process, at: Address, onDatagram: OnDatagram): DatagramSocket {
    const port = at.port === 0 ? this.#freePort() : at.port;
    return this.#datagrams.bind(process, { host: at.host, port }, onDatagram);
  }

  /** How long a segment takes now. Losses are delays: TCP repeats what was lost. */
  flightMs(link: Link): number {
    let ms = link.latencyMs + link.jitterMs * this.random.next();
    while (link.lossRate > 0 && this.random.next() < link.lossRate) ms += link.retransmitMs;
    return ms;
  }

  gone(connection: Connection): void {
    this.#connections.delete(connection as SimConnection);
  }

  #find(host: string, to: Address): Listening | undefined {
    const own = this.#listeners.get(listenerKey(host, to.host, to.port));
    return own ?? this.#listeners.get(listenerKey(host, '0.0.0.0', to.port));
  }

  #freePort(): number {
    const port = this.#nextPort;
    this.#nextPort = port === LAST_PORT ? FIRST_FREE_PORT : port + 1;
    return port;
  }
}

function listenerKey(host: string, address: string, port: number): string {
  const local = address === '::' ? '0.0.0.0' : address;
  return `${host} ${local} ${port}`;
}

function pairOf(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}

const NO_HANDLER: ConnectionHandler = { onOpen() {}, onBytes() {}, onDrained() {}, onEnd() {}, onClose() {} };
