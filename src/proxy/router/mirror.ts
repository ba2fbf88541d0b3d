/**
 * One copy of a request on its way to another cluster, whose answer nobody reads. It has a place in that cluster like any
 * request and never one in the way of the real one: what it cannot send at once is kept up to a bound, past it is given up.
 */
import type { Address } from '../../core/runtime.ts';
import { Timer } from '../../core/timer-wheel.ts';
import { copyHead } from '../../http/copy-head.ts';
import type { ResponseFlag } from '../../http/flags.ts';
import type { Head } from '../../http/head.ts';
import { RESET, type ResetReason, type Stream } from '../../http/message.ts';
import { NO_PRIORITIES } from '../../snapshot/balance/balancer.ts';
import { type Attempt, OUTCOME, type Outcome, type UpstreamHost, type WaitingPlace } from '../cluster/attempt.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { KeptBytes } from './kept-bytes.ts';
import { NO_HOSTS } from './retries.ts';
import type { RouterWorld } from './router-world.ts';

/** Of a body, waiting for the mirror to read it: with so many waiting, no more are taken. Envoy's is 1 MiB. */
const MAX_MIRROR_BYTES = 262_144;
/** For an answer, where the route leaves the real one unbounded. */
const MAX_ANSWER_MS = 15_000;

/** What it is all about, for all mirrors of one request. */
export interface Mirrored {
  readonly world: RouterWorld;
  /** Of the caller, as it asked. */
  readonly authority: string;
  readonly destination: Address;
  readonly source: Address;
  /** As `Attempt.hash`. */
  readonly hash: number;
  /** The route's; 0: unbounded. */
  readonly timeoutMs: number;
}

/** How it ended, by which it is counted. `abandoned`: the real request never became whole. */
type MirrorOutcome = 'answered' | 'failed' | 'refused' | 'too-slow' | 'timeout' | 'abandoned';

export class Mirror extends Timer implements Attempt {
  endpoint: UpstreamHost | null = null;
  waitsIn: WaitingPlace | null = null;
  moves = 0;
  pickedAt = 0;
  answered = false;
  holdsSlot = false;
  holdsRetry = false;
  readonly tunnel = false;
  readonly fresh = false;
  readonly avoid = NO_HOSTS;
  readonly hash: number;
  /** What the route asks of the real cluster says nothing of this one. */
  readonly leaves = NO_PRIORITIES;
  readonly subset = null;
  readonly #of: Mirrored;
  readonly #cluster: Cluster;
  /** null: it was sent, or never will be. */
  #head: Head | null;
  /** The rest, while there is no stream. */
  #kept: KeptBytes | null = null;
  #trailers: Head | null = null;
  #stream: Stream | null = null;
  #isWhole = false;
  #isLive = true;
  #status = 0;

  /** `head` is its own. */
  constructor(of: Mirrored, cluster: Cluster, head: Head) {
    super();
    this.#of = of;
    this.#cluster = cluster;
    this.#head = head;
    this.hash = of.hash;
  }

  /** `isWhole`: there is nothing after the head. */
  start(isWhole: boolean): void {
    if (isWhole) this.#requestDone();
    this.#cluster.acquire(this);
  }

  /** More of the request's body. */
  sendData(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    if (!this.#isLive) return;
    const stream = this.#stream;
    const waiting = stream === null ? (this.#kept?.length ?? 0) : stream.unsent;
    if (waiting > MAX_MIRROR_BYTES) {
      this.#cluster.circuit.fired('mirror_body_bytes');
      return this.#giveUp('too-slow');
    }
    if (last) this.#requestDone();
    if (stream !== null) stream.sendData(bytes, start, end, last);
    else if (end > start) (this.#kept ??= new KeptBytes(this.#of.world.chunks)).append(bytes, start, end);
  }

  /** They end the request and stay the caller's. */
  sendTrailers(fields: Head): void {
    if (!this.#isLive) return;
    this.#requestDone();
    if (this.#stream === null) this.#trailers = copyHead(fields);
    else this.#stream.sendTrailers(fields);
  }

  /** The real request has ended; this one goes on if it is whole. */
  leave(): void {
    if (!this.#isWhole) this.#giveUp('abandoned');
  }

  override fire(): void {
    this.#giveUp('timeout');
  }

  authority(): string {
    return this.#of.authority;
  }

  destination(): Address {
    return this.#of.destination;
  }

  source(): Address {
    return this.#of.source;
  }

  onStream(stream: Stream): void {
    const head = this.#head;
    if (!this.#isLive || head === null) return stream.reset(RESET.cancelled);
    this.#stream = stream;
    const kept = this.#kept;
    const trailers = this.#trailers;
    const isAll = this.#isWhole && trailers === null;
    stream.sendHead(head, isAll && kept === null);
    kept?.sendTo(stream, isAll);
    if (trailers !== null) stream.sendTrailers(trailers);
    this.#free();
  }

  onRefused(flag: ResponseFlag): void {
    this.#end(flag === 'UO' ? 'refused' : 'failed', OUTCOME.failed);
  }

  onHead(head: Head, last: boolean): void {
    if (this.#isLive && head.status >= 200) {
      this.#status = head.status;
      this.#cluster.answered(this);
      this.endpoint?.noteResponse(head);
    }
    head.free();
    if (last) this.#answered();
  }

  onData(_bytes: Uint8Array, start: number, end: number, last: boolean): void {
    if (last) this.#answered();
    else this.#stream?.release(end - start);
  }

  onTrailers(fields: Head): void {
    fields.free();
    this.#answered();
  }

  onWritable(): void {}

  onReset(_reason: ResetReason): void {
    this.#stream = null;
    this.#end('failed', OUTCOME.failed);
  }

  #requestDone(): void {
    this.#isWhole = true;
    this.#of.world.timers.arm(this, this.#of.timeoutMs || MAX_ANSWER_MS);
  }

  /** It wants no more of the request, if there is any. */
  #answered(): void {
    const failed = this.#status >= 500;
    if (this.#isWhole) this.#stream = null;
    this.#end(failed ? 'failed' : 'answered', failed ? OUTCOME.failed : OUTCOME.ok);
  }

  #giveUp(outcome: MirrorOutcome): void {
    this.#end(outcome, outcome === 'timeout' ? OUTCOME.failed : OUTCOME.cancelled);
  }

  #end(how: MirrorOutcome, outcome: Outcome): void {
    if (!this.#isLive) return;
    this.#isLive = false;
    const { timers, telemetry } = this.#of.world;
    timers.disarm(this);
    const stream = this.#stream;
    this.#stream = null;
    this.#cluster.done(this, outcome);
    stream?.reset(RESET.cancelled);
    this.#free();
    telemetry.mirrored(this.#cluster.name, how).add(1);
  }

  #free(): void {
    this.#head?.free();
    this.#kept?.free();
    this.#trailers?.free();
    this.#head = this.#kept = this.#trailers = null;
  }
}
