/**
 * Two connected ends in memory: how a cluster whose endpoint is an internal listener reaches it. Bytes are handed to
 * the other end's handler as they are written; they are copied and kept only while that end is paused or busy, and
 * writers see those as backlog.
 */
import { copyOf, EMPTY_BYTES } from '../../core/bytes.ts';
import {
  type Connection,
  type ConnectionHandler,
  type ConnectionInfo,
  HIGH_WATER,
  LOW_WATER,
  type Runtime,
} from '../../core/runtime.ts';

type EndOfTurn = Runtime['endOfTurn'];

/** The two ends. `near` is told `onOpen` at the end of this turn; `far` is open already, as an accepted connection is. */
export function connectInternally(
  endOfTurn: EndOfTurn,
  info: ConnectionInfo,
  handler: ConnectionHandler,
): { near: Connection; far: Connection } {
  const near = new InternalConnection(endOfTurn, info, handler);
  const far = new InternalConnection(endOfTurn, info, handler);
  near.join(far);
  endOfTurn(() => {
    if (!near.closed) near.handler.onOpen();
    near.pump();
    far.pump();
  });
  return { near, far };
}

class InternalConnection implements Connection {
  handler: ConnectionHandler;
  info: ConnectionInfo;
  closed = false;
  readonly #endOfTurn: EndOfTurn;
  #peer: InternalConnection | null = null;
  #out: Uint8Array = EMPTY_BYTES;
  #reservedAt = 0;
  /** What this end has yet to read. */
  #unread: Uint8Array[] = [];
  #unreadBytes = 0;
  #paused = false;
  #held = true;
  #delivering = false;
  #writeEnded = false;
  #endDelivered = false;
  #above = false;
  readonly #pump = (): void => this.pump();

  constructor(endOfTurn: EndOfTurn, info: ConnectionInfo, handler: ConnectionHandler) {
    this.#endOfTurn = endOfTurn;
    this.info = info;
    this.handler = handler;
  }

  get out(): Uint8Array {
    return this.#out;
  }

  get backlog(): number {
    return this.#peer === null ? 0 : this.#peer.#unreadBytes;
  }

  /** The other end has them at once. */
  get unflushed(): number {
    return 0;
  }

  join(peer: InternalConnection): void {
    this.#peer = peer;
    peer.#peer = this;
  }

  reserve(bytes: number): number {
    if (this.#out.length - this.#reservedAt < bytes) {
      this.#out = new Uint8Array(Math.max(bytes, 4096));
      this.#reservedAt = 0;
    }
    return this.#reservedAt;
  }

  commit(end: number): void {
    const start = this.#reservedAt;
    // While the other end reads, a nested write must not find these bytes overwritten.
    this.#reservedAt = end;
    this.write(this.#out, start, end);
    if (this.#reservedAt === end) this.#reservedAt = start;
  }

  write(bytes: Uint8Array, start: number, end: number): void {
    const peer = this.#peer;
    if (this.closed || this.#writeEnded || peer === null || start === end) return;
    if (peer.#mayRead() && peer.#unread.length === 0) {
      peer.#deliver(bytes, start, end);
      return;
    }
    peer.#keep(copyOf(bytes, start, end), false);
    if (peer.#unreadBytes > HIGH_WATER) this.#above = true;
  }

  unread(bytes: Uint8Array, start: number, end: number): void {
    if (start === end) return;
    this.#keep(copyOf(bytes, start, end), true);
    this.#endDelivered = false;
    this.#endOfTurn(this.#pump);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#endOfTurn(this.#pump);
  }

  end(): void {
    if (this.closed || this.#writeEnded) return;
    this.#writeEnded = true;
    this.#peer?.pump();
    this.#closeWhenBothEnded();
  }

  destroy(reason: string): void {
    const peer = this.#peer;
    this.#close(reason);
    if (peer !== null && !peer.closed) this.#endOfTurn(() => peer.#close('closed by the other end'));
  }

  /** Gives the handler what it has not read, then the end. */
  pump(): void {
    this.#held = false;
    while (this.#unread.length > 0 && this.#mayRead()) {
      const chunk = this.#unread.shift() as Uint8Array; // length > 0
      this.#unreadBytes -= chunk.length;
      this.#deliver(chunk, 0, chunk.length);
      this.#peer?.drained();
    }
    if (this.#unread.length > 0 || !this.#mayRead() || this.#endDelivered || !this.#peerEnded()) return;
    this.#endDelivered = true;
    this.handler.onEnd();
    this.#closeWhenBothEnded();
  }

  #peerEnded(): boolean {
    const peer = this.#peer;
    return peer !== null && peer.#writeEnded;
  }

  #mayRead(): boolean {
    return !this.closed && !this.#held && !this.#paused && !this.#delivering;
  }

  #deliver(bytes: Uint8Array, start: number, end: number): void {
    this.#delivering = true;
    try {
      this.handler.onBytes(bytes, start, end);
    } finally {
      this.#delivering = false;
    }
    // Written from within the handler's own turn, or ended meanwhile.
    if (this.#unread.length > 0 || this.#peerEnded()) this.#endOfTurn(this.#pump);
  }

  #keep(chunk: Uint8Array, first: boolean): void {
    if (first) this.#unread.unshift(chunk);
    else this.#unread.push(chunk);
    this.#unreadBytes += chunk.length;
  }

  drained(): void {
    if (!this.#above || this.backlog > LOW_WATER || this.closed) return;
    this.#above = false;
    this.handler.onDrained();
  }

  #closeWhenBothEnded(): void {
    const peer = this.#peer;
    if (peer === null || !this.#writeEnded || !peer.#writeEnded || !this.#endDelivered || !peer.#endDelivered) return;
    this.#close('');
    peer.#close('');
  }

  #close(reason: string): void {
    if (this.closed) return;
    this.closed = true;
    this.#unread = [];
    this.#unreadBytes = 0;
    this.handler.onClose(reason);
  }
}
