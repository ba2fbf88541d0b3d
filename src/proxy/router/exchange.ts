/**
 * One request and its response on their way through the proxy: route, filters, tries, both bodies, the end. Created per
 * request, ends exactly once, never reused; late callbacks find `ended` and return.
 */
import type { ConnectionInfo } from '../../core/runtime.ts';
import { HIGH_WATER } from '../../core/runtime.ts';
import type { BodyStage, Exchange, RouteInfo, Slots } from '../../http/exchange.ts';
import type { Filter } from '../../http/filter.ts';
import type { ResponseFlag } from '../../http/flags.ts';
import { FRAMING } from '../../http/framing.ts';
import { Head } from '../../http/head.ts';
import { type MessageReceiver, RESET, type ResetReason, type Stream } from '../../http/message.ts';
import { isIdempotent, METHOD } from '../../http/method.ts';
import { CONTINUE, REPLIED, SUSPENDED, type Verdict } from '../../http/verdict.ts';
import { pickCluster } from '../../snapshot/balance/pick-cluster.ts';
import { matchRoute } from '../../snapshot/match-route.ts';
import { isRetriableStatus, planRetry, type RetryFacts } from '../../snapshot/retry-plan.ts';
import type { ForwardAction, RouteEntry } from '../../snapshot/route-table.ts';
import { OUTCOME, type UpstreamHost } from '../cluster/attempt.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { EndedRecord } from '../telemetry/access-log.ts';
import type { Edge } from '../telemetry/edge.ts';
import type { Binding } from './binding.ts';
import { BodyBuffer } from './body-buffer.ts';
import { BodyStages } from './body-stages.ts';
import type { Downstream } from './downstream.ts';
import { ExchangeTimer, type ExchangeTimerOwner } from './exchange-timer.ts';
import { type DownstreamStream, enterInternal, internalListener } from './internal-connect.ts';
import { mayReplay } from './replay.ts';
import { describeReset, replyHead, replyText, sendReply, statusOf } from './reply.ts';
import { grantUpgrade, makeAbsolute } from './request-target.ts';
import { SilenceTimer } from './silence.ts';
import { Try, type TryOwner } from './try.ts';

const NO_HOSTS: readonly UpstreamHost[] = [];
const NO_FILTERS: readonly Filter[] = [];

export class HttpExchange
  extends SilenceTimer
  implements Exchange, MessageReceiver, TryOwner, EndedRecord, ExchangeTimerOwner
{
  readonly request: Head;
  response: Head | null = null;
  ended = false;
  readonly startedAt: number;
  status = 0;
  flag: ResponseFlag = '';
  detail = '';
  durationMs = 0;
  bytesIn = 0;
  bytesOut = 0;
  retries = 0;
  readonly #down: Downstream;
  readonly #stream: DownstreamStream;
  readonly #binding: Binding;
  readonly #kept: BodyBuffer;
  #state: Slots | null = null;
  #entry: RouteEntry | null = null;
  #action: ForwardAction | null = null;
  #cluster: Cluster | null = null;
  #filters: readonly Filter[] = NO_FILTERS;
  #at = 0;
  #rerouted = false;
  #try: Try | null = null;
  /** The last host that was tried; tells the edge whether mTLS was used. */
  #host: UpstreamHost | null = null;
  #tried: readonly UpstreamHost[] = NO_HOSTS;
  /** The last try met a dead kept-alive connection. */
  #fresh = false;
  /** A body that was sent may be sent again, so it is remembered. */
  #replays = false;
  #timeout: ExchangeTimer | null = null;
  #backOff: ExchangeTimer | null = null;
  #stages: BodyStages | null = null;
  #requestEnded = false;
  #trailers: Head | null = null;
  /** Bytes from the downstream that it has no credit back for. */
  #requestOwed = 0;
  #responseOwed = 0;
  #responseStarted = false;
  #responseEnded = false;
  #isTunnel = false;
  #downGone = false;
  /** The connection went to another handler, which counts what it does itself. */
  #handedOver = false;

  constructor(down: Downstream, stream: DownstreamStream, request: Head) {
    const { world } = down;
    super(world.timers, down.manager.streamIdleTimeoutMs);
    this.#down = down;
    this.#stream = stream;
    this.request = request;
    this.startedAt = world.runtime.clock.now();
    this.#binding = world.binding();
    this.#kept = new BodyBuffer(world.chunks);
    world.telemetry.active.add(1);
  }

  get connection(): ConnectionInfo {
    return this.#down.info;
  }

  get route(): RouteInfo | null {
    return this.#entry === null ? null : this.#entry.info;
  }

  get routeName(): string {
    return this.#entry === null ? '' : this.#entry.info.name;
  }

  get upstream(): string {
    return this.#host === null ? '' : this.#host.key;
  }

  get memo(): Slots {
    return this.#down.memo;
  }

  get state(): Slots {
    this.#state ??= [];
    return this.#state;
  }

  authority(): string {
    return this.request.authorityText;
  }

  onHead(_head: Head, last: boolean): void {
    const { world, direction, clientCert } = this.#down;
    this.#requestEnded = last;
    const { fault } = this.#down;
    if (fault !== '') {
      this.reply(503, 'SE', fault);
      return;
    }
    world.fields.addRequestId(this.request);
    world.fields.setClientCert(this.request, direction === 'inbound' ? clientCert : null);
    if (this.#matchRoute() === REPLIED) return;
    this.#runFilters();
  }

  resume(): void {
    if (this.ended) return;
    this.#at++;
    this.#runFilters();
  }

  reroute(): Verdict {
    if (this.#rerouted) return CONTINUE;
    this.#rerouted = true;
    return this.#matchRoute();
  }

  stage(direction: 'request' | 'response', stage: BodyStage): void {
    this.#stages ??= new BodyStages(this);
    this.#stages.add(direction, stage);
  }

  reply(status: number, flag: ResponseFlag, detail: string, body?: string): Verdict {
    if (this.ended) return REPLIED;
    this.flag = flag;
    this.detail = detail;
    this.#abandonTry(RESET.cancelled);
    if (this.#responseStarted) {
      // What was promised cannot be kept: a truncated message must not look whole.
      this.#downGone = true;
      this.#stream.reset(RESET.cancelled);
    } else {
      this.#sendOwn(
        status,
        flag,
        flag === '' ? new Uint8Array(Buffer.from(body ?? '')) : replyText(flag, body ?? detail),
      );
    }
    this.#end();
    return REPLIED;
  }

  // The downstream's half.

  onData(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    if (this.ended) return;
    this.moved = true;
    this.bytesIn += end - start;
    this.#requestOwed += end - start;
    if (this.#stages !== null && this.#stages.onRequest(bytes, start, end, last)) return this.#credit();
    this.passRequest(bytes, start, end, last);
  }

  /** After the body stages. */
  passRequest(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    if (last) this.#requestEnded = true;
    const stream = this.#try === null ? null : this.#try.stream;
    if (stream === null) {
      this.#kept.keep(bytes, start, end);
    } else {
      if (this.#replays && !this.#isTunnel) this.#kept.remember(bytes, start, end);
      stream.sendData(bytes, start, end, last);
      this.#credit();
    }
    if (last) this.#requestDone();
  }

  onTrailers(fields: Head): void {
    if (this.ended) return fields.free();
    this.#requestEnded = true;
    this.#trailers = fields;
    this.#try?.stream?.sendTrailers(fields);
    this.#requestDone();
  }

  onWritable(): void {
    const stream = this.#try === null ? null : this.#try.stream;
    if (stream === null || this.#responseOwed === 0) return;
    const owed = this.#responseOwed;
    this.#responseOwed = 0;
    stream.release(owed);
  }

  onReset(reason: ResetReason): void {
    if (this.ended) return;
    this.#downGone = true;
    this.flag = reason === RESET.protocol ? 'DPE' : reason === RESET.limit ? 'LO' : 'DC';
    this.detail = 'the client ended the connection';
    this.#abandonTry(RESET.cancelled);
    this.#end();
  }

  protected override onSilence(): void {
    const seconds = this.#down.manager.streamIdleTimeoutMs / 1000;
    if (this.#requestEnded) this.reply(504, 'UT', `no byte for ${seconds} s`);
    else this.reply(408, 'SI', `no byte of the request for ${seconds} s`);
  }

  onExchangeTimer(timer: ExchangeTimer): void {
    if (this.ended) return;
    if (timer === this.#backOff) this.#startTry();
    else
      this.reply(504, 'UT', `request timeout of ${this.#action?.timeoutMs ?? 0} ms ended for ${this.#serviceName()}`);
  }

  // The upstream's half.

  tryOpened(current: Try, stream: Stream): void {
    this.#host = current.endpoint;
    if (current.tunnel) {
      this.#beginTunnel(Head.response(200));
      if (this.ended) return;
    } else {
      const bodyless = this.#requestEnded && this.#kept.empty && this.#trailers === null;
      stream.sendHead(this.request, bodyless);
      if (bodyless || !current.live) return;
    }
    this.#kept.sendTo(stream, this.#requestEnded && this.#trailers === null);
    if (!this.#replays) this.#kept.forget();
    if (this.#trailers !== null && current.live) stream.sendTrailers(this.#trailers);
    this.#credit();
  }

  tryHead(current: Try, head: Head, last: boolean): void {
    this.moved = true;
    if (head.status < 200 && head.status !== 101) {
      this.#stream.sendHead(head, false);
      head.free();
      return;
    }
    current.endpoint?.noteResponse(head);
    const policy = this.#action === null ? null : this.#action.retry;
    if (policy !== null && isRetriableStatus(policy, head.status) && this.#retry(current, null, head.status)) {
      head.free();
      return;
    }
    if (head.framing === FRAMING.tunnel) return this.#beginTunnel(head);
    this.response = head;
    this.status = head.status;
    if (this.#filters.length > 0 && this.#filterResponse() === REPLIED) return;
    this.#responseStarted = true;
    if (last) this.#responseEnded = true;
    this.#stream.sendHead(head, last);
    if (last) this.#end();
  }

  tryData(current: Try, bytes: Uint8Array, start: number, end: number, last: boolean): void {
    this.moved = true;
    this.#responseOwed += end - start;
    if (this.#stages === null || !this.#stages.onResponse(bytes, start, end, last)) {
      this.passResponse(bytes, start, end, last);
    }
    if (last || this.ended || this.#stream.unsent > HIGH_WATER || current.stream === null) return;
    const owed = this.#responseOwed;
    this.#responseOwed = 0;
    current.stream.release(owed);
  }

  /** After the body stages. */
  passResponse(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    this.bytesOut += end - start;
    if (last) this.#responseEnded = true;
    this.#stream.sendData(bytes, start, end, last);
    if (last && (!this.#isTunnel || this.#requestEnded)) this.#end();
  }

  tryTrailers(_current: Try, fields: Head): void {
    this.#responseEnded = true;
    this.#stream.sendTrailers(fields);
    fields.free();
    this.#end();
  }

  tryWritable(): void {
    this.#credit();
  }

  tryFailed(current: Try, reset: ResetReason, flag: ResponseFlag, detail: string): void {
    this.#host = current.endpoint ?? this.#host;
    const retriable = flag === '' || flag === 'UF';
    if (retriable && this.#retry(current, reset, 0)) return;
    if (flag !== '' && this.flag === '') this.flag = flag;
    this.reply(statusOf(reset), this.flag || 'UC', detail || `${describeReset(reset)} by ${this.#serviceName()}`);
  }

  // Between the two.

  #matchRoute(): Verdict {
    const table = this.#binding.routes(this.#down.manager);
    const entry = table === null ? null : matchRoute(table, this.request, this.#down.world.runtime.random.next());
    if (entry === null) {
      const { authorityText } = this.request;
      return this.reply(404, 'NR', `no route for ${authorityText}${this.request.pathText.slice(0, 200)}`);
    }
    this.#entry = entry;
    this.#filters = this.#down.filters.chain(entry);
    return CONTINUE;
  }

  #runFilters(): void {
    const filters = this.#filters;
    for (; this.#at < filters.length; this.#at++) {
      const verdict = filters[this.#at]?.onRequest?.(this) ?? CONTINUE;
      if (verdict !== CONTINUE || this.ended) return;
    }
    this.#forward();
  }

  #filterResponse(): Verdict {
    for (let i = this.#filters.length - 1; i >= 0; i--) {
      const verdict = this.#filters[i]?.onResponse?.(this) ?? CONTINUE;
      if (verdict === REPLIED || this.ended) return REPLIED;
      // A response is never held back: its filters decide at once.
      if (verdict === SUSPENDED) return this.reply(500, '', 'a filter suspended a response', 'internal error');
    }
    return CONTINUE;
  }

  #forward(): void {
    const action = this.#entry === null ? null : this.#entry.action;
    if (action === null) return;
    if (action.kind === 'direct') {
      this.reply(action.status, '', 'direct response', action.body);
      return;
    }
    const { world } = this.#down;
    this.#action = action;
    const { name } = pickCluster(action.clusters, world.runtime.random.next());
    const cluster = this.#binding.cluster(name);
    if (cluster === null) {
      this.reply(503, 'NC', `the route ${this.routeName} names the unknown cluster ${name}`);
      return;
    }
    this.#cluster = cluster;
    grantUpgrade(this.request, action.upgrades);
    if (this.#isConnect() && this.#handOver(cluster)) return;
    if (cluster.chained) makeAbsolute(this.request);
    this.#replays = mayReplay(this.request.method, action.retry);
    if (this.#requestEnded) this.#armTimeout();
    this.#startTry();
  }

  /** CONNECT to a name of the mesh: what comes in the tunnel is looked at as if it had been connected directly. */
  #handOver(cluster: Cluster): boolean {
    const listener = internalListener(cluster);
    if (listener === null || enterInternal(listener, this.#stream, this.#down.world.internals) === null) return false;
    this.#handedOver = true;
    this.#downGone = true;
    this.#down.onHandedOver();
    this.#end();
    return true;
  }

  #startTry(): void {
    const { world } = this.#down;
    const cluster = this.#cluster as Cluster; // set by #forward before the first try
    const tunnel = this.#isConnect() && !cluster.chained;
    const fresh = this.#fresh;
    const current = new Try(this, cluster, world.timers, tunnel, fresh, this.#tried);
    this.#try = current;
    if (this.retries > 0 && !fresh && !cluster.takeRetry(current)) {
      current.onRefused('UO', cluster.circuit.describe(cluster.circuit.retries));
      return;
    }
    current.start(this.#action?.retry?.perTryTimeoutMs ?? 0);
  }

  /** Makes another try if the plan says so; else leaves the flag to end with. */
  #retry(current: Try, reset: ResetReason | null, status: number): boolean {
    const { world } = this.#down;
    const facts: RetryFacts = {
      policy: this.#action === null ? null : this.#action.retry,
      reset,
      status,
      retries: this.retries,
      idempotent: isIdempotent(this.request.method),
      responseStarted: this.#responseStarted,
      replayable: this.#kept.complete,
      bytesSent: reset !== RESET.connect,
    };
    const decision = planRetry(facts, current.cluster.circuit, world.runtime.random.next());
    if (!decision.retry) {
      this.flag = decision.flag;
      return false;
    }
    current.drop();
    this.#try = null;
    this.#fresh = reset === RESET.stale;
    this.retries++;
    if (current.endpoint !== null && !this.#fresh) this.#tried = [...this.#tried, current.endpoint];
    if (decision.afterMs === 0) {
      this.#startTry();
    } else {
      this.#backOff ??= new ExchangeTimer(this);
      world.timers.arm(this.#backOff, decision.afterMs);
    }
    return true;
  }

  /** Both directions carry raw bytes from here on, each until its own end. */
  #beginTunnel(head: Head): void {
    this.response = head;
    this.status = head.status;
    this.#isTunnel = true;
    this.#responseStarted = true;
    this.#requestEnded = false;
    if (this.#timeout !== null) this.#down.world.timers.disarm(this.#timeout);
    this.#stream.sendHead(head, false);
  }

  /** Gives credit back to the downstream unless the upstream has enough to send. */
  #credit(): void {
    const stream = this.#try === null ? null : this.#try.stream;
    if (stream === null || this.#requestOwed === 0 || stream.unsent > HIGH_WATER) return;
    const owed = this.#requestOwed;
    this.#requestOwed = 0;
    if (!this.#requestEnded) this.#stream.release(owed);
  }

  #requestDone(): void {
    if (this.#isTunnel) {
      if (this.#responseEnded) this.#end();
    } else {
      this.#armTimeout();
    }
  }

  /** Counts from the end of the request, as Envoy's route timeout does. */
  #armTimeout(): void {
    const timeoutMs = this.#action === null ? 0 : this.#action.timeoutMs;
    if (timeoutMs === 0 || this.#timeout !== null) return;
    this.#timeout = new ExchangeTimer(this);
    this.#down.world.timers.arm(this.#timeout, timeoutMs);
  }

  #sendOwn(status: number, flag: ResponseFlag, body: Uint8Array): void {
    this.response?.free();
    const head = replyHead(status, flag, body.length);
    this.response = head;
    this.status = status;
    this.#responseStarted = true;
    this.#responseEnded = true;
    this.bytesOut += sendReply(this.#stream, head, body, this.request.method === METHOD.head);
  }

  #abandonTry(reason: ResetReason): void {
    this.#try?.abandon(reason);
    this.#try = null;
  }

  #end(): void {
    if (this.ended) return;
    this.ended = true;
    const { world } = this.#down;
    this.stopListening();
    if (this.#timeout !== null) world.timers.disarm(this.#timeout);
    if (this.#backOff !== null) world.timers.disarm(this.#backOff);
    const current = this.#try;
    this.#try = null;
    // An answer before the whole request: what is left of the request has no reader.
    if (this.#requestEnded) current?.finish(this.status >= 500 ? OUTCOME.failed : OUTCOME.ok);
    else current?.abandon(RESET.cancelled);
    for (let i = Math.min(this.#at, this.#filters.length - 1); i >= 0; i--) this.#filters[i]?.onEnd?.(this);
    if (!this.#requestEnded && !this.#downGone) this.#stream.discard();
    this.durationMs = world.runtime.clock.now() - this.startedAt;
    if (!this.#handedOver) this.#observe();
    world.telemetry.active.add(-1);
    this.#kept.free();
    this.request.free();
    this.response?.free();
    this.#trailers?.free();
    this.#stages = null;
  }

  #observe(): void {
    const edge = this.#edge();
    edge.countRequest(this.status, this.flag, this.durationMs);
    this.#down.world.accessLog?.write(this, edge);
  }

  #edge(): Edge {
    const cluster = this.#cluster;
    if (this.#down.direction === 'inbound' || cluster === null) return this.#down.edge;
    return cluster.edge(this.#host === null ? cluster.secure : this.#host.secure, this);
  }

  #isConnect(): boolean {
    return this.request.method === METHOD.connect && this.#action !== null && this.#action.connect;
  }

  #serviceName(): string {
    const cluster = this.#cluster;
    return cluster === null ? this.request.authorityText : cluster.config.service || cluster.name;
  }
}
