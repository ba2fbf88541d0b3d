/**
 * One try of an exchange upstream: holds the place in the cluster and the stream, and gives both back in one place.
 * What arrives on the stream goes to the owner only while the try is live, so a late byte of an abandoned try is
 * harmless.
 */
import type { Address } from '../../core/runtime.ts';
import { Timer, type Timers } from '../../core/timer-wheel.ts';
import type { ResponseFlag } from '../../http/flags.ts';
import type { Head } from '../../http/head.ts';
import { RESET, type ResetReason, type Stream } from '../../http/message.ts';
import { NO_PRIORITIES } from '../../snapshot/balance/balancer.ts';
import type { SubsetMatch } from '../../snapshot/subset-match.ts';
import { type Attempt, OUTCOME, type Outcome, type UpstreamHost, type WaitingPlace } from '../cluster/attempt.ts';
import type { Cluster } from '../cluster/cluster.ts';

/** How long a response that nobody wants is read, in the hope that its connection can be kept. */
const DISCARD_MS = 2_000;

export interface TryOwner {
  authority(): string;
  destination(): Address;
  source(): Address;
  tryOpened(current: Try, stream: Stream): void;
  /** The try is over. `flag` is what refused it before it had a stream, `reset` how its stream ended. */
  tryFailed(current: Try, reset: ResetReason, flag: ResponseFlag, detail: string): void;
  tryHead(current: Try, head: Head, last: boolean): void;
  tryData(current: Try, bytes: Uint8Array, start: number, end: number, last: boolean): void;
  tryTrailers(current: Try, fields: Head): void;
  tryWritable(): void;
  /** Nobody waits for the response any more, so that a try which ends is no failure of its host. */
  readonly pastDeadline: boolean;
  /** The per-try timeout has ended. True: the try goes on, beside another. */
  tryIsLate(current: Try): boolean;
}

export class Try extends Timer implements Attempt {
  endpoint: UpstreamHost | null = null;
  waitsIn: WaitingPlace | null = null;
  moves = 0;
  pickedAt = 0;
  answered = false;
  holdsSlot = false;
  holdsRetry = false;
  readonly tunnel: boolean;
  readonly fresh: boolean;
  readonly avoid: readonly UpstreamHost[];
  /** Set before it starts. */
  leaves = NO_PRIORITIES;
  readonly hash: number;
  readonly subset: SubsetMatch | null;
  readonly cluster: Cluster;
  stream: Stream | null = null;
  readonly #owner: TryOwner;
  readonly #timers: Timers;
  #live = true;
  /** The rest of its response is being read away. */
  #dropped: Stream | null = null;

  constructor(
    owner: TryOwner,
    cluster: Cluster,
    timers: Timers,
    tunnel: boolean,
    fresh: boolean,
    avoid: readonly UpstreamHost[],
    hash: number,
    subset: SubsetMatch | null,
  ) {
    super();
    this.#owner = owner;
    this.cluster = cluster;
    this.#timers = timers;
    this.tunnel = tunnel;
    this.fresh = fresh;
    this.avoid = avoid;
    this.hash = hash;
    this.subset = subset;
  }

  get live(): boolean {
    return this.#live;
  }

  start(): void {
    this.cluster.acquire(this);
  }

  /** From now to the head of the response; 0: no timeout of its own. */
  limit(timeoutMs: number): void {
    if (timeoutMs > 0 && this.#live && !this.answered) this.#timers.arm(this, timeoutMs);
  }

  /** The per-try timeout, which ends with the response head; after `drop`, the end of patience. */
  override fire(): void {
    if (this.#dropped !== null) return this.#dropped.reset(RESET.cancelled);
    if (!this.#owner.tryIsLate(this)) this.expire('the per-try timeout ended');
  }

  /** It took too long. */
  expire(why: string): void {
    if (!this.#live) return;
    this.abandon(RESET.timeout);
    this.#owner.tryFailed(this, RESET.timeout, '', why);
  }

  /** The message came to its end; the stream needs nothing more. */
  finish(outcome: Outcome): void {
    if (!this.#live) return;
    this.#close(outcome);
  }

  /** Nobody wants the rest. */
  abandon(reason: ResetReason): void {
    if (!this.#live) return;
    const { stream } = this;
    this.#close(reason === RESET.timeout ? OUTCOME.failed : OUTCOME.cancelled);
    stream?.reset(reason);
  }

  /** Like `abandon`, where the rest is a response body that is worth reading to keep the connection. */
  drop(): void {
    if (!this.#live) return;
    const { stream } = this;
    this.#close(OUTCOME.failed);
    if (stream === null) return;
    stream.discard();
    // Harmless when the response has ended by then.
    this.#dropped = stream;
    this.#timers.arm(this, DISCARD_MS);
  }

  authority(): string {
    return this.#owner.authority();
  }

  destination(): Address {
    return this.#owner.destination();
  }

  source(): Address {
    return this.#owner.source();
  }

  onStream(stream: Stream): void {
    if (!this.#live) {
      stream.reset(RESET.cancelled);
      return;
    }
    this.stream = stream;
    this.#owner.tryOpened(this, stream);
  }

  onRefused(flag: ResponseFlag, detail: string): void {
    if (!this.#live) return;
    this.#close(OUTCOME.failed);
    this.#owner.tryFailed(this, flag === 'UF' ? RESET.connect : RESET.limit, flag, detail);
  }

  onHead(head: Head, last: boolean): void {
    if (!this.#live) {
      head.free();
      return;
    }
    if (head.status >= 200) {
      this.#timers.disarm(this);
      this.cluster.answered(this);
    }
    this.#owner.tryHead(this, head, last);
  }

  onData(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    if (this.#live) this.#owner.tryData(this, bytes, start, end, last);
  }

  onTrailers(fields: Head): void {
    if (this.#live) this.#owner.tryTrailers(this, fields);
    else fields.free();
  }

  onWritable(): void {
    if (this.#live) this.#owner.tryWritable();
  }

  onReset(reason: ResetReason): void {
    if (!this.#live) return;
    this.#close(this.#owner.pastDeadline ? OUTCOME.cancelled : OUTCOME.failed);
    this.#owner.tryFailed(this, reason, '', '');
  }

  #close(outcome: Outcome): void {
    this.#live = false;
    this.#timers.disarm(this);
    this.stream = null;
    this.cluster.done(this, outcome);
  }
}
