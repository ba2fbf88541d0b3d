/**
 * One stream as the server lets it in: it says something soon, reads what it is sent, does not flood, and lives no
 * longer than the certificate of its connection. Whatever service is behind it sees a well-behaved client.
 */
import type { Address, Clock, PeerCertificate, RpcHandler, RpcStatus, RpcStream } from '../../core/runtime.ts';
import { PREFIX_BYTES } from '../../core/grpc-frames.ts';
import { CallbackTimer, type Timers } from '../../core/timer-wheel.ts';
import { RequestBudget } from './request-budget.ts';
import type { XdsMetrics } from './xds-metrics.ts';

export interface GuardParts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly metrics: XdsMetrics;
}

const FIRST_MESSAGE_TIMEOUT_MS = 14_000;
/** What has come while a storm kept us busy is read before a stream is called silent. */
const LAST_CHANCE_MS = 1_000;
/** A client that takes nothing for so long holds what waits for it; its connection answers pings all the same. */
const NOT_READING_TIMEOUT_MS = 60_000;

export class GuardedStream implements RpcStream, RpcHandler {
  readonly peer: PeerCertificate;
  readonly #rpc: RpcStream;
  readonly #parts: GuardParts;
  readonly #onGone: (stream: GuardedStream) => void;
  readonly #budget: RequestBudget;
  /** For the first message, then for the certificate. */
  readonly #deadline: CallbackTimer;
  #blocked: CallbackTimer | null = null;
  /** While something waits for the client, however little. */
  #watch: CallbackTimer | null = null;
  #isWatching = false;
  #sentBytes = 0;
  /** When the watch began. */
  #takenBytes = 0;
  #refill: CallbackTimer | null = null;
  #handler: RpcHandler | null = null;
  #hasSpoken = false;
  #isLastChance = false;
  #isOver = false;

  constructor(rpc: RpcStream, peer: PeerCertificate, parts: GuardParts, onGone: (stream: GuardedStream) => void) {
    this.#rpc = rpc;
    this.peer = peer;
    this.#parts = parts;
    this.#onGone = onGone;
    this.#budget = new RequestBudget(parts.clock.now());
    this.#deadline = new CallbackTimer(() => this.#expire());
    parts.timers.arm(this.#deadline, FIRST_MESSAGE_TIMEOUT_MS);
  }

  serve(handler: RpcHandler): this {
    this.#handler = handler;
    return this;
  }

  get remote(): Address {
    return this.#rpc.remote;
  }

  get writable(): boolean {
    return this.#rpc.writable;
  }

  send(message: Uint8Array): void {
    if (this.#isOver) return;
    this.#rpc.send(message);
    this.#sentBytes += PREFIX_BYTES + message.length;
    if (!this.#isWatching && this.#unsent > 0) this.#beginWatch();
    if (this.#rpc.writable || this.#blocked !== null) return;
    this.#blocked = new CallbackTimer(() => this.#endUnread());
    this.#parts.timers.arm(this.#blocked, NOT_READING_TIMEOUT_MS);
  }

  get #unsent(): number {
    return this.#rpc.unsent ?? 0;
  }

  /** What waits may be less than ever makes the transport full. */
  #beginWatch(): void {
    this.#isWatching = true;
    this.#takenBytes = this.#sentBytes - this.#unsent;
    this.#watch ??= new CallbackTimer(() => {
      this.#isWatching = false;
      if (this.#unsent === 0) return;
      if (this.#sentBytes - this.#unsent > this.#takenBytes) this.#beginWatch();
      else this.#endUnread();
    });
    this.#parts.timers.arm(this.#watch, NOT_READING_TIMEOUT_MS);
  }

  #endUnread(): void {
    this.cut(this.#parts.metrics.end('does-not-read', `nothing was read for ${NOT_READING_TIMEOUT_MS / 1000} s`));
  }

  pause(): void {
    this.#rpc.pause();
  }

  resume(): void {
    this.#rpc.resume();
  }

  /** The service's own doing: it is not told. */
  end(status?: RpcStatus): void {
    if (this.#isOver) return;
    this.#finish();
    this.#rpc.end(status);
  }

  destroy(): void {
    if (this.#isOver) return;
    this.#finish();
    this.#rpc.destroy();
  }

  /** Ended from outside of the service, which is told. */
  cut(status: RpcStatus): void {
    if (this.#isOver) return;
    this.end(status);
    this.#handler?.onClose(status);
  }

  onMessage(message: Uint8Array): void {
    if (this.#isOver) return;
    const { clock, timers, metrics } = this.#parts;
    metrics.requests.add(1);
    if (!this.#hasSpoken) {
      this.#hasSpoken = true;
      timers.arm(this.#deadline, Math.max(0, this.peer.notAfter - clock.wall()));
    }
    const waitMs = this.#budget.spend(message.length, clock.now());
    if (waitMs > 0) this.#throttle(waitMs);
    this.#handler?.onMessage(message);
  }

  onWritable(): void {
    if (this.#blocked !== null) this.#parts.timers.disarm(this.#blocked);
    this.#blocked = null;
    if (!this.#isOver) this.#handler?.onWritable();
  }

  onClose(status: RpcStatus): void {
    if (this.#isOver) return;
    this.#finish();
    this.#handler?.onClose(status);
  }

  #throttle(waitMs: number): void {
    if (this.#refill !== null) return;
    const { timers, metrics } = this.#parts;
    metrics.throttled.add(1);
    this.#rpc.pause();
    this.#refill = new CallbackTimer(() => {
      this.#refill = null;
      this.#rpc.resume();
    });
    timers.arm(this.#refill, waitMs);
  }

  #expire(): void {
    const { metrics, timers } = this.#parts;
    if (!this.#hasSpoken && !this.#isLastChance) {
      this.#isLastChance = true;
      timers.arm(this.#deadline, LAST_CHANCE_MS);
      return;
    }
    this.cut(
      this.#hasSpoken
        ? metrics.end('certificate-expired', 'the certificate of this connection has expired')
        : metrics.end('no-first-message', 'no first message'),
    );
  }

  #finish(): void {
    this.#isOver = true;
    const { timers } = this.#parts;
    for (const timer of [this.#deadline, this.#blocked, this.#watch, this.#refill])
      if (timer !== null) timers.disarm(timer);
    this.#onGone(this);
  }
}
