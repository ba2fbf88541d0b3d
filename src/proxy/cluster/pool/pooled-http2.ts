/** An HTTP/2 connection of a pool, with what decides how long new streams go there. */
import type { MessageReceiver, Stream } from '../../../http/message.ts';
import { Http2Client, type Http2ClientOptions } from '../../../http/h2/client.ts';
import type { ClusterConfig } from '../../../snapshot/snapshot.ts';
import type { PoolHost } from './pool-host.ts';

/** Whether a connection is in use is seen by the streams of its last second. */
const LOOK_MS = 1_000;
/** Times are doubles: what fired in time must not be taken for early. */
const SLACK_MS = 0.5;

export class PooledHttp2 extends Http2Client {
  readonly #host: PoolHost;
  readonly #openedAt: number;
  #streams = 0;
  #streamsBefore = -1;

  constructor(options: Http2ClientOptions, host: PoolHost, now: number) {
    super(options);
    this.#host = host;
    this.#openedAt = now;
  }

  override get room(): number {
    const { maxRequestsPerConnection: max } = this.#config;
    return max === 0 ? super.room : Math.max(0, Math.min(super.room, max - this.#streams));
  }

  override open(receiver: MessageReceiver): Stream {
    this.#streams++;
    return super.open(receiver);
  }

  /** It has carried as many streams as the cluster allows. */
  get isSpent(): boolean {
    const { maxRequestsPerConnection: max } = this.#config;
    return max > 0 && this.#streams >= max;
  }

  isOld(now: number): boolean {
    return this.#leftMs(now) <= SLACK_MS;
  }

  /** Ms until it is looked at again: shortly before it is old, then when it is. Infinity: never. */
  nextLookMs(now: number): number {
    const left = this.#leftMs(now);
    return left <= SLACK_MS ? Number.POSITIVE_INFINITY : left > LOOK_MS + SLACK_MS ? left - LOOK_MS : left;
  }

  /** Whether it carries something, or got a stream since the last look. */
  look(): boolean {
    const isUsed = this.active > 0 || (this.#streamsBefore >= 0 && this.#streams > this.#streamsBefore);
    this.#streamsBefore = this.#streams;
    return isUsed;
  }

  get #config(): ClusterConfig {
    return this.#host.config;
  }

  #leftMs(now: number): number {
    const { maxConnectionDurationMs: max } = this.#config;
    return max === 0 ? Number.POSITIVE_INFINITY : this.#openedAt + max - now;
  }
}
