/**
 * The upstream's half of an exchange: its tries, which of them serves, and the credit of the response. Made when the
 * route sends the request to a cluster; the exchange holds the downstream's half.
 */
import { messageOf } from '../../core/errors.ts';
import { HIGH_WATER } from '../../core/runtime.ts';
import type { Address } from '../../core/runtime.ts';
import type { ResponseFlag } from '../../http/flags.ts';
import { Head } from '../../http/head.ts';
import { RESET, type ResetReason, type Stream } from '../../http/message.ts';
import { isIdempotent } from '../../http/method.ts';
import { coversRequest, isRetriableResponse, resetAfterMs } from '../../snapshot/retriable-response.ts';
import type { RetryFacts } from '../../snapshot/retry-plan.ts';
import type { RetryPolicy } from '../../snapshot/retry-policy.ts';
import type { ForwardAction } from '../../snapshot/route-table.ts';
import type { SubsetMatch } from '../../snapshot/subset-match.ts';
import type { Outcome, UpstreamHost } from '../cluster/attempt.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { FormatNotes } from './format-notes.ts';
import { passDeadline } from './grpc-deadline.ts';
import { mayRepeat } from './replay.ts';
import { describeReset, statusOf } from './reply.ts';
import type { RequestBody } from './request-body.ts';
import { rewriteHost, sayTries } from './request-rewrite.ts';
import { Race } from './race.ts';
import { NO_HOSTS, Retries } from './retries.ts';
import type { RouterWorld } from './router-world.ts';
import { Try, type TryOwner } from './try.ts';
import { type Progress, TryIdle } from './try-idle.ts';

/** The exchange, as far as its upstream half may act on it. */
export interface Forwarded extends Progress {
  readonly request: Head;
  readonly ended: boolean;
  readonly responseStarted: boolean;
  readonly serviceName: string;
  readonly isGrpc: boolean;
  /** null: nobody formats anything of it. */
  readonly notes: FormatNotes | null;
  readonly deadlineAt: number;
  /** The caller of a gRPC call has given up, or does so now. */
  readonly pastDeadline: boolean;
  moved: boolean;
  /** Of the try that serves, or of the last that failed. */
  host: UpstreamHost | null;
  /** Tries after the first. */
  retries: number;
  /** Why it would end now; set by what failed last. */
  flag: ResponseFlag;
  authority(): string;
  destination(): Address;
  source(): Address;
  /** A 1xx head; freed by the callee, as the next ones. */
  interim(head: Head): void;
  respond(head: Head, last: boolean): void;
  respondData(bytes: Uint8Array, start: number, end: number, last: boolean): void;
  respondTrailers(fields: Head): void;
  beginTunnel(head: Head): void;
  reply(status: number, flag: ResponseFlag, detail: string): unknown;
  /** Replies that the caller's deadline has ended. */
  endAtDeadline(): void;
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
  readonly #subset: SubsetMatch | null;
  #try: Try | null = null;
  /** null: none, or it does not cover this request. */
  readonly #policy: RetryPolicy | null;
  #retries: Retries | null = null;
  /** While there are several tries at once; `#try` is one of them. */
  #race: Race | null = null;
  /** Tries that the hedge policy began at once; they are no retries. */
  #extra = 0;
  #idle: TryIdle | null = null;
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
    subset: SubsetMatch | null,
  ) {
    this.#owner = owner;
    this.#world = world;
    this.#down = down;
    this.#body = body;
    this.#action = action;
    this.#cluster = cluster;
    this.#tunnel = tunnel;
    this.#hash = hash;
    this.#subset = subset;
    const { retry } = action;
    this.#policy = retry !== null && coversRequest(retry, owner.request) ? retry : null;
  }

  /** Where the request goes; null while nobody reads it. */
  get stream(): Stream | null {
    return this.#try === null ? null : this.#try.stream;
  }

  start(): void {
    const retries = this.#retries;
    const current = this.#newTry();
    this.#try = current;
    if (retries !== null && !retries.fresh && !this.#cluster.takeRetry(current)) {
      current.onRefused('UO', this.#cluster.circuit.describe(this.#cluster.circuit.retries));
      return;
    }
    this.#begin(current);
  }

  /** The request is whole: its tries have only so long for an answer, and several may have it at once. */
  requestDone(): void {
    const current = this.#try;
    if (current === null || this.#owner.responseStarted) return;
    this.#limit(current);
    this.#raceFromStart();
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
    this.#stopTimers();
    const current = this.#try;
    this.#try = null;
    current?.finish(outcome);
  }

  /** Nobody wants the rest. */
  abandon(reason: ResetReason): void {
    this.#stopTimers();
    const current = this.#try;
    const race = this.#race;
    this.#try = this.#race = null;
    current?.abandon(reason);
    race?.abandon(reason);
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

  tryOpened(current: Try, stream: Stream): void {
    const owner = this.#owner;
    owner.host = current.endpoint;
    if (owner.notes !== null) owner.notes.upstream = stream.info ?? null;
    if (current.tunnel) {
      owner.beginTunnel(Head.response(200));
      if (owner.ended) return;
      this.#body.flush(stream);
    } else {
      if (this.#action.host !== null && this.#action.host.kind === 'endpoint') this.#takeHostOf(current);
      if (owner.ended) return;
      if (this.#action.countsTries) sayTries(owner.request, owner.retries);
      passDeadline(owner.request, owner.deadlineAt, this.#world.runtime.clock);
      this.#body.begin(owner.request, stream);
    }
    if (current.live) this.#body.credit(this.#down, stream);
  }

  tryHead(current: Try, head: Head, last: boolean): void {
    const owner = this.#owner;
    owner.moved = true;
    if (head.status < 200 && head.status !== 101) {
      // Of several tries nobody knows yet whose response will follow.
      if (this.#race === null) owner.interim(head);
      else head.free();
      return;
    }
    this.#idle?.restart();
    current.endpoint?.noteResponse(head);
    if (
      this.#policy !== null &&
      isRetriableResponse(this.#policy, head, owner.isGrpc) &&
      this.#retry(current, null, head)
    ) {
      head.free();
      return;
    }
    this.#wins(current);
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

  get pastDeadline(): boolean {
    return this.#owner.pastDeadline;
  }

  tryIsLate(current: Try): boolean {
    const { hedge } = this.#action;
    if (hedge === null || !hedge.onPerTryTimeout || !this.#mayRace()) return false;
    const limit = this.#policy === null ? 0 : this.#policy.retries;
    if (this.#owner.retries - this.#extra < limit) this.#addRival(current);
    return true;
  }

  tryFailed(current: Try, reset: ResetReason, flag: ResponseFlag, detail: string): void {
    const owner = this.#owner;
    owner.host = current.endpoint ?? owner.host;
    // The callee has the same deadline, and gRPC servers reset the stream at it: who notices first is chance.
    if (owner.pastDeadline) return owner.endAtDeadline();
    if (this.#leavesOthers(current)) return;
    if ((flag === '' || flag === 'UF') && this.#retry(current, reset, null)) return;
    if (flag !== '' && owner.flag === '') owner.flag = flag;
    owner.reply(statusOf(reset), owner.flag || 'UC', detail || `${describeReset(reset)} by ${owner.serviceName}`);
  }

  #newTry(): Try {
    const retries = this.#retries;
    const fresh = retries !== null && retries.fresh;
    const avoid = retries === null ? NO_HOSTS : retries.avoided(this.#policy, this.#cluster);
    const { timers } = this.#world;
    const made = new Try(this, this.#cluster, timers, this.#tunnel, fresh, avoid, this.#hash, this.#subset);
    if (retries !== null && this.#policy !== null) made.leaves = retries.leftPriorities(this.#policy);
    return made;
  }

  #begin(current: Try): void {
    if (this.#body.ended) this.#limit(current);
    const idleMs = this.#policy === null ? 0 : this.#policy.perTryIdleTimeoutMs;
    if (idleMs > 0) {
      this.#idle?.stop();
      this.#idle = new TryIdle(this.#world.timers, idleMs, this.#owner, () =>
        this.#try?.expire(`no byte for ${idleMs} ms`),
      );
    }
    current.start();
    if (this.#body.ended) this.#raceFromStart();
  }

  #limit(current: Try): void {
    if (this.#policy !== null) current.limit(this.#policy.perTryTimeoutMs);
  }

  /** The endpoint is asked by its own name; of a later try the one before it is forwarded too, as Envoy does. */
  #takeHostOf({ endpoint }: Try): void {
    try {
      rewriteHost(this.#owner.request, endpoint?.hostname ?? '', this.#action.forwardsHost);
    } catch (error) {
      this.#owner.reply(503, 'UH', `${endpoint?.key} has a name that is no host: ${messageOf(error)}`);
    }
  }

  // Several tries at once.

  /** The whole request is here, and it does no harm when two act on it. */
  #mayRace(): boolean {
    return this.#body.ended && this.#body.complete && mayRepeat(this.#owner.request.method, this.#policy);
  }

  #raceFromStart(): void {
    const { hedge } = this.#action;
    if (hedge === null || this.#extra > 0 || this.#owner.retries > 0 || !this.#mayRace()) return;
    let more = hedge.initialTries - 1;
    if (hedge.extraChance > 0 && this.#world.runtime.random.next() < hedge.extraChance) more++;
    for (let i = 0; i < more && this.#try !== null && !this.#owner.responseStarted; i++) {
      this.#extra++;
      this.#addRival(this.#try);
    }
  }

  /** One more try beside those that go on, if the budget has a place for it. */
  #addRival(beside: Try): void {
    this.#retriesOf().avoid(beside.endpoint);
    const rival = this.#newTry();
    if (!this.#cluster.takeRetry(rival)) return;
    this.#owner.retries++;
    this.#race ??= new Race(beside);
    this.#race.join(rival);
    this.#limit(rival);
    rival.start();
  }

  /** The first good response ends the race. */
  #wins(current: Try): void {
    const race = this.#race;
    this.#race = null;
    this.#try = current;
    this.#owner.host = current.endpoint;
    this.#body.settle();
    race?.win(current);
  }

  /** Whether the request goes on without this try, which failed. */
  #leavesOthers(current: Try): boolean {
    const next = this.#race === null ? null : this.#race.leave(current);
    if (next === null) this.#race = null;
    else this.#try = next;
    return next !== null;
  }

  // One after the other.

  /** Makes another try if the plan says so, or leaves it to those that go on; else leaves the flag to end with. */
  #retry(current: Try, reset: ResetReason | null, response: Head | null): boolean {
    if (this.#leavesOthers(current)) {
      current.drop();
      return true;
    }
    const owner = this.#owner;
    const policy = this.#policy;
    const { clock } = this.#world.runtime;
    const facts: RetryFacts = {
      policy,
      reset,
      retriable: response !== null,
      resetAfterMs: response === null || policy === null ? 0 : resetAfterMs(policy, response, clock.wall()),
      retries: owner.retries - this.#extra,
      idempotent: isIdempotent(owner.request.method),
      responseStarted: owner.responseStarted,
      replayable: this.#body.complete,
      bytesSent: reset !== RESET.connect,
    };
    const retries = this.#retriesOf();
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

  #retriesOf(): Retries {
    return (this.#retries ??= new Retries(this.#world, () => this.start()));
  }

  #stopTimers(): void {
    this.#retries?.stop();
    this.#idle?.stop();
  }
}
