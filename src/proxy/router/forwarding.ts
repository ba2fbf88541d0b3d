/**
 * The upstream's half of an exchange: its tries, which of them serves, and the credit of the response. Made when the
 * route sends the request to a cluster; the exchange holds the downstream's half.
 */
import { HIGH_WATER } from '../../core/runtime.ts';
import type { ResponseFlag } from '../../http/flags.ts';
import { Head } from '../../http/head.ts';
import { RESET, type ResetReason, type Stream } from '../../http/message.ts';
import { isIdempotent } from '../../http/method.ts';
import { isRetriableResponse, resetAfterMs } from '../../snapshot/retriable-response.ts';
import type { RetryFacts } from '../../snapshot/retry-plan.ts';
import type { ForwardAction } from '../../snapshot/route-table.ts';
import type { Outcome, UpstreamHost } from '../cluster/attempt.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { passDeadline } from './grpc-deadline.ts';
import { describeReset, statusOf } from './reply.ts';
import type { RequestBody } from './request-body.ts';
import { NO_HOSTS, Retries } from './retries.ts';
import type { RouterWorld } from './router-world.ts';
import { Try, type TryOwner } from './try.ts';

/** The exchange, as far as its upstream half may act on it. */
export interface Forwarded {
  readonly request: Head;
  readonly ended: boolean;
  readonly responseStarted: boolean;
  readonly serviceName: string;
  readonly isGrpc: boolean;
  readonly deadlineAt: number;
  moved: boolean;
  /** Of the try that serves, or of the last that failed. */
  host: UpstreamHost | null;
  /** Tries after the first. */
  retries: number;
  /** Why it would end now; set by what failed last. */
  flag: ResponseFlag;
  authority(): string;
  /** A 1xx head; freed by the callee, as the next ones. */
  interim(head: Head): void;
  respond(head: Head, last: boolean): void;
  respondData(bytes: Uint8Array, start: number, end: number, last: boolean): void;
  respondTrailers(fields: Head): void;
  beginTunnel(head: Head): void;
  reply(status: number, flag: ResponseFlag, detail: string): unknown;
}

export class Forwarding implements TryOwner {
  readonly #owner: Forwarded;
  readonly #world: RouterWorld;
  readonly #down: Stream;
  readonly #body: RequestBody;
  readonly #action: ForwardAction;
  readonly #cluster: Cluster;
  /** CONNECT that ends here: raw bytes go to the cluster. */
  readonly #tunnel: boolean;
  readonly #hash: number;
  #try: Try | null = null;
  #retries: Retries | null = null;
  /** Bytes of the response that the upstream has no credit back for. */
  #owed = 0;

  constructor(
    owner: Forwarded,
    world: RouterWorld,
    down: Stream,
    body: RequestBody,
    action: ForwardAction,
    cluster: Cluster,
    tunnel: boolean,
    hash: number,
  ) {
    this.#owner = owner;
    this.#world = world;
    this.#down = down;
    this.#body = body;
    this.#action = action;
    this.#cluster = cluster;
    this.#tunnel = tunnel;
    this.#hash = hash;
  }

  /** Where the request goes; null while nobody reads it. */
  get stream(): Stream | null {
    return this.#try === null ? null : this.#try.stream;
  }

  start(): void {
    const retries = this.#retries;
    const fresh = retries !== null && retries.fresh;
    const tried = retries === null ? NO_HOSTS : retries.tried;
    const current = new Try(this, this.#cluster, this.#world.timers, this.#tunnel, fresh, tried, this.#hash);
    this.#try = current;
    if (retries !== null && !fresh && !this.#cluster.takeRetry(current)) {
      current.onRefused('UO', this.#cluster.circuit.describe(this.#cluster.circuit.retries));
      return;
    }
    current.start(this.#action.retry === null ? 0 : this.#action.retry.perTryTimeoutMs);
  }

  /** The downstream has room again. */
  releaseOwed(): void {
    const { stream } = this;
    if (stream === null || this.#owed === 0) return;
    const owed = this.#owed;
    this.#owed = 0;
    stream.release(owed);
  }

  /** The response is whole. */
  finish(outcome: Outcome): void {
    this.#retries?.stop();
    const current = this.#try;
    this.#try = null;
    current?.finish(outcome);
  }

  /** Nobody wants the rest. */
  abandon(reason: ResetReason): void {
    this.#retries?.stop();
    const current = this.#try;
    this.#try = null;
    current?.abandon(reason);
  }

  authority(): string {
    return this.#owner.authority();
  }

  tryOpened(current: Try, stream: Stream): void {
    const owner = this.#owner;
    owner.host = current.endpoint;
    if (current.tunnel) {
      owner.beginTunnel(Head.response(200));
      if (owner.ended) return;
      this.#body.flush(stream);
    } else {
      passDeadline(owner.request, owner.deadlineAt, this.#world.runtime.clock);
      this.#body.begin(owner.request, stream);
    }
    if (current.live) this.#body.credit(this.#down, stream);
  }

  tryHead(current: Try, head: Head, last: boolean): void {
    const owner = this.#owner;
    owner.moved = true;
    if (head.status < 200 && head.status !== 101) return owner.interim(head);
    current.endpoint?.noteResponse(head);
    const policy = this.#action.retry;
    if (policy !== null && isRetriableResponse(policy, head, owner.isGrpc) && this.#retry(current, null, head)) {
      head.free();
      return;
    }
    owner.respond(head, last);
  }

  tryData(_current: Try, bytes: Uint8Array, start: number, end: number, last: boolean): void {
    this.#owner.moved = true;
    this.#owed += end - start;
    this.#owner.respondData(bytes, start, end, last);
    if (!last && this.#down.unsent <= HIGH_WATER) this.releaseOwed();
  }

  tryTrailers(_current: Try, fields: Head): void {
    this.#owner.respondTrailers(fields);
  }

  tryWritable(): void {
    this.#body.credit(this.#down, this.stream);
  }

  tryFailed(current: Try, reset: ResetReason, flag: ResponseFlag, detail: string): void {
    const owner = this.#owner;
    owner.host = current.endpoint ?? owner.host;
    if ((flag === '' || flag === 'UF') && this.#retry(current, reset, null)) return;
    if (flag !== '' && owner.flag === '') owner.flag = flag;
    owner.reply(statusOf(reset), owner.flag || 'UC', detail || `${describeReset(reset)} by ${owner.serviceName}`);
  }

  /** Makes another try if the plan says so; else leaves the flag to end with. */
  #retry(current: Try, reset: ResetReason | null, response: Head | null): boolean {
    const owner = this.#owner;
    const policy = this.#action.retry;
    const { clock } = this.#world.runtime;
    const facts: RetryFacts = {
      policy,
      reset,
      retriable: response !== null,
      resetAfterMs: response === null || policy === null ? 0 : resetAfterMs(policy, response, clock.wall()),
      retries: owner.retries,
      idempotent: isIdempotent(owner.request.method),
      responseStarted: owner.responseStarted,
      replayable: this.#body.complete,
      bytesSent: reset !== RESET.connect,
    };
    const retries = (this.#retries ??= new Retries(this.#world, () => this.start()));
    const decision = retries.plan(facts, current.cluster.circuit);
    if (!decision.retry) {
      owner.flag = decision.flag;
      return false;
    }
    current.drop();
    this.#try = null;
    owner.retries++;
    retries.failed(current.endpoint, reset);
    if (decision.afterMs === 0) this.start();
    else retries.schedule(decision.afterMs);
    return true;
  }
}
