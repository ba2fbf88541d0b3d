/**
 * One end of a simulated TCP connection: bounded buffers at both ends, segments that take time, reads split at random,
 * and lent bytes that turn to poison when the handler returns.
 */
import { BaseConnection } from '../../core/base-connection.ts';
import type { ConnectionHandler, ConnectionInfo } from '../../core/runtime.ts';
import { MAX_RETRANSMIT_MS, MAX_RETRANSMITS } from './link.ts';
import type { Accept, Process, Medium } from './medium.ts';

/** What the kernels of both ends hold for one direction: send buffer and receive window. */
const WINDOW_BYTES = 262_144;
const MAX_SEGMENT_BYTES = 65_536;
const MIN_SEGMENT_BYTES = 16_384;
const MAX_READ_BYTES = 65_536;
/** How often a read gives less than what has arrived. */
const SPLIT_RATE = 0.3;
const SMALL_READ_BYTES = 40;
const POISON = 0xee;
/** Reads begin somewhere in their buffer, so that nobody takes 0 for the start. */
const MAX_READ_OFFSET = 7;

const FIN = null;

interface Segment {
  readonly bytes: Uint8Array | typeof FIN;
  readonly arrivesAt: number;
}

export class SimConnection extends BaseConnection {
  readonly process: Process;
  readonly peerHost: string;
  /** Called whenever bytes have left: for the TLS side above. */
  onProgress: (() => void) | null = null;
  /** True when a TLS side took it over: the handler is that side's. */
  taken = false;
  readonly #network: Medium;
  readonly #id: number;
  readonly #lent = new Uint8Array(MAX_READ_BYTES + MAX_READ_OFFSET);
  #peer: SimConnection | null = null;
  #established = false;
  // Sending: not with the kernel yet, then under way.
  #unsent: Uint8Array[] = [];
  #unsentBytes = 0;
  #finWanted = false;
  #finSent = false;
  #flying: Segment[] = [];
  #windowUsed = 0;
  #lastArrival = 0;
  #flightScheduled = false;
  #retransmits = 0;
  // Receiving: arrived and not read yet.
  #arrived: Uint8Array[] = [];
  #arrivedBytes = 0;
  #finArrived = false;
  #finSeen = false;
  #readScheduled = false;

  constructor(
    network: Medium,
    process: Process,
    peerHost: string,
    id: number,
    info: ConnectionInfo,
    handler: ConnectionHandler,
  ) {
    super(process.context, info, handler);
    this.#network = network;
    this.process = process;
    this.peerHost = peerHost;
    this.#id = id;
  }

  protected override get unsent(): number {
    return this.#unsentBytes;
  }

  join(peer: SimConnection): void {
    this.#peer = peer;
  }

  accepted(accept: Accept): void {
    this.#established = true;
    try {
      const handler = accept(this);
      if (!this.taken) this.handler = handler;
    } catch (error) {
      this.destroy('internal: accept failed');
      this.context.report(error);
    }
  }

  get isEstablished(): boolean {
    return this.#established;
  }

  established(): void {
    if (this.closed) return;
    this.#established = true;
    this.opened(this.info);
    this.#send();
    this.#scheduleRead();
  }

  /** The process died: nobody here is told, the peer is reset. */
  vanish(): void {
    if (this.closed) return;
    this.closed = true;
    this.closeTransport('', true);
  }

  protected override transmit(chunk: Uint8Array, end: number): boolean {
    this.#unsent.push(chunk.slice(0, end));
    this.#unsentBytes += end;
    if (this.backlog > this.#network.peakBacklogBytes) this.#network.peakBacklogBytes = this.backlog;
    chunk.fill(POISON, 0, end);
    this.#send();
    return false;
  }

  protected override pauseReading(): void {}

  protected override resumeReading(): void {
    this.#scheduleRead();
  }

  protected override finishWriting(): void {
    this.#finWanted = true;
    this.#send();
    this.#closeWhenDone();
  }

  protected override closeTransport(_reason: string, lost: boolean): void {
    this.#network.gone(this);
    const peer = this.#peer;
    const reset = lost || this.#arrivedBytes > 0;
    this.#unsent = [];
    this.#unsentBytes = 0;
    if (peer === null || peer.closed) return;
    if (reset) {
      this.#flying = [];
      this.#later(() => {
        if (!this.#network.isCut(this.process.host, this.peerHost)) peer.destroy('read: ECONNRESET');
      });
    } else if (!this.#finSent) {
      this.#finSent = true;
      this.#launch(FIN);
    }
  }

  /** Moves bytes into the window and on their way. */
  #send(): void {
    if (!this.#established || this.#peer === null) return;
    // A window that has opened by a few bytes waits for more, or segments would crumble (RFC 9293 section 3.8.6.2.1).
    const worthwhile = Math.min(this.#unsentBytes, MIN_SEGMENT_BYTES);
    if (WINDOW_BYTES - this.#windowUsed < worthwhile) return;
    while (this.#unsentBytes > 0 && this.#windowUsed < WINDOW_BYTES) {
      const first = this.#unsent[0] as Uint8Array;
      const size = Math.min(first.length, MAX_SEGMENT_BYTES, WINDOW_BYTES - this.#windowUsed);
      const bytes = first.subarray(0, size);
      if (size === first.length) this.#unsent.shift();
      else this.#unsent[0] = first.subarray(size);
      this.#unsentBytes -= size;
      this.#windowUsed += size;
      this.#launch(bytes);
    }
    if (this.#finWanted && !this.#finSent && this.#unsentBytes === 0) {
      this.#finSent = true;
      this.#launch(FIN);
    }
  }

  #launch(bytes: Uint8Array | typeof FIN): void {
    const { events, random } = this.#network;
    const link = this.#network.linkOf(this.process.host, this.peerHost);
    if (link.resetRate > 0 && random.next() < link.resetRate) {
      events.after(this.#network.flightMs(link), () => {
        this.#peer?.destroy('read: ECONNRESET');
        this.destroy('read: ECONNRESET');
      });
    }
    this.#lastArrival = Math.max(this.#lastArrival, events.now + this.#network.flightMs(link));
    this.#flying.push({ bytes, arrivesAt: this.#lastArrival });
    this.#scheduleFlight();
  }

  #scheduleFlight(): void {
    const head = this.#flying[0];
    if (head === undefined || this.#flightScheduled) return;
    this.#flightScheduled = true;
    let waitMs = Math.max(0, head.arrivesAt - this.#network.events.now);
    if (this.#retransmits > 0) {
      const link = this.#network.linkOf(this.process.host, this.peerHost);
      waitMs = Math.min(link.retransmitMs * 2 ** (this.#retransmits - 1), MAX_RETRANSMIT_MS);
    }
    this.#network.events.after(waitMs, () => this.#land());
  }

  #land(): void {
    this.#flightScheduled = false;
    const peer = this.#peer;
    if (peer === null || this.#flying.length === 0) return;
    if (this.#network.isCut(this.process.host, this.peerHost)) {
      this.#retransmits++;
      if (this.#retransmits > MAX_RETRANSMITS) {
        this.#flying = [];
        this.destroy('read: ETIMEDOUT');
      }
      this.#scheduleFlight();
      return;
    }
    this.#retransmits = 0;
    const segment = this.#flying.shift() as Segment;
    this.#scheduleFlight();
    if (peer.closed) {
      // Data for a closed socket is answered with RST.
      this.#flying = [];
      if (segment.bytes !== FIN && !this.closed) this.#later(() => this.destroy('read: ECONNRESET'));
      return;
    }
    peer.#arrive(segment.bytes);
  }

  #arrive(bytes: Uint8Array | typeof FIN): void {
    if (bytes === FIN) {
      this.#finArrived = true;
    } else {
      this.#arrived.push(bytes);
      this.#arrivedBytes += bytes.length;
    }
    this.#read();
  }

  #scheduleRead(): void {
    if (this.#readScheduled || (this.#arrivedBytes === 0 && !this.#finArrived)) return;
    this.#readScheduled = true;
    this.#network.events.after(0, () => {
      this.#readScheduled = false;
      this.#read();
    });
  }

  /** One read of what has arrived, then the rest in another turn. */
  #read(): void {
    if (this.closed || this.paused || !this.#established || !this.process.alive) return;
    if (this.#arrivedBytes > 0) {
      const size = this.#lend();
      if (this.#peer !== null) this.#peer.#consumed(size);
      this.#scheduleRead();
    } else if (this.#finArrived && !this.#finSeen) {
      this.#finSeen = true;
      this.#network.events.note(this.#id, -1);
      this.peerEnded();
      this.#closeWhenDone();
    }
  }

  #lend(): number {
    const { random, events } = this.#network;
    const first = this.#arrived[0] as Uint8Array;
    let size = Math.min(first.length, MAX_READ_BYTES);
    if (random.next() < SPLIT_RATE) {
      size = Math.min(size, 1 + random.below(random.next() < 0.5 ? SMALL_READ_BYTES : size));
    }
    if (size === first.length) this.#arrived.shift();
    else this.#arrived[0] = first.subarray(size);
    this.#arrivedBytes -= size;
    const start = random.below(MAX_READ_OFFSET + 1);
    this.#lent.set(first.subarray(0, size), start);
    events.note(this.#id, size);
    this.received(this.#lent, start, start + size);
    this.#lent.fill(POISON, start, start + size);
    return size;
  }

  /** The peer's application has read: the window opens and, a flight later, more may leave. */
  #consumed(bytes: number): void {
    this.#later(() => {
      this.#windowUsed -= bytes;
      if (this.closed) return;
      this.#send();
      this.settle();
      this.onProgress?.();
      this.#closeWhenDone();
    });
  }

  #closeWhenDone(): void {
    if (this.#finSent && this.#finSeen && this.#unsentBytes === 0 && !this.closed) {
      this.#later(() => {
        if (!this.closed) this.transportClosed();
      });
    }
  }

  /** A flight from now. */
  #later(run: () => void): void {
    this.#network.events.after(this.#network.flightMs(this.#network.linkOf(this.process.host, this.peerHost)), run);
  }
}
