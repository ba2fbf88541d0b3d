/**
 * One request and its response on their way through the proxy: route, filters, tries, both bodies, the end. Created per
 * request, ends exactly once, never reused; late callbacks find `ended` and return.
 */
import { HIGH_WATER } from '../../core/runtime.ts';
import { CallbackTimer } from '../../core/timer-wheel.ts';
import type { BodyStage, Exchange } from '../../http/exchange.ts';
import type { Filter } from '../../http/filter.ts';
import type { ResponseFlag } from '../../http/flags.ts';
import { FRAMING } from '../../http/framing.ts';
import { Head } from '../../http/head.ts';
import { type MessageReceiver, RESET, type ResetReason, type Stream } from '../../http/message.ts';
import { isIdempotent, METHOD } from '../../http/method.ts';
import { CONTINUE, REPLIED, type Verdict } from '../../http/verdict.ts';
import { pickCluster } from '../../snapshot/balance/pick-cluster.ts';
import { matchRoute } from '../../snapshot/match-route.ts';
import { isRetriableStatus, planRetry, type RetryFacts } from '../../snapshot/retry-plan.ts';
import type { ForwardAction } from '../../snapshot/route-table.ts';
import { OUTCOME } from '../cluster/attempt.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Binding } from './binding.ts';
import { BodyStages } from './body-stages.ts';
import type { Downstream } from './downstream.ts';
import { ExchangeRecord } from './exchange-record.ts';
import { type DownstreamStream, enterInternal, internalListener } from './internal-connect.ts';
import { mayReplay } from './replay.ts';
import { RequestBody } from './request-body.ts';
import { NO_HOSTS, Retries } from './retries.ts';
import { askOfRequest, askOfResponse, tellOfEnd } from './filter-run.ts';
import { describeReset, sendReply, statusOf } from './reply.ts';
import { grantUpgrade, makeAbsolute } from './request-target.ts';
import { Try, type TryOwner } from './try.ts';

const NO_FILTERS: readonly Filter[] = [];

export class HttpExchange extends ExchangeRecord implements Exchange, MessageReceiver, TryOwner {
  readonly #stream: DownstreamStream;
  readonly #binding: Binding;
  readonly #body: RequestBody;
  #action: ForwardAction | null = null;
  #filters: readonly Filter[] = NO_FILTERS;
  /** The filter that is asked, or the number of those that have been. */
  #at = 0;
  #isRerouted = false;
  #try: Try | null = null;
  #retries: Retries | null = null;
  #timeout: CallbackTimer | null = null;
  #stages: BodyStages | null = null;
  #responseOwed = 0;
  #responseStarted = false;
  #responseEnded = false;
  #isTunnel = false;
  /** Nothing may be said to the downstream any more. */
  #downGone = false;
  /** The connection went to another handler, which counts what it does itself. */
  #handedOver = false;

  constructor(down: Downstream, stream: DownstreamStream, request: Head) {
    super(down, request);
    const { world } = down;
    this.#stream = stream;
    this.#binding = world.binding();
    this.#body = new RequestBody(world.chunks);
    world.telemetry.active.add(1);
  }

  onHead(_head: Head, last: boolean): void {
    const { world, manager, direction, clientCert, fault } = this.down;
    this.#body.ended = last;
    if (fault !== '') {
      this.reply(503, 'SE', fault);
      return;
    }
    world.fields.addRequestId(this.request);
    // Inbound, what a caller claims never passes, whatever the mode says.
    if (direction === 'inbound' || manager.forwardClientCert !== 'forward') {
      world.fields.setClientCert(this.request, clientCert);
    }
    if (this.#matchRoute() === REPLIED) return;
    this.#runFilters();
  }

  resume(): void {
    if (this.ended) return;
    this.#at++;
    this.#runFilters();
  }

  reroute(): Verdict {
    if (this.#isRerouted) return CONTINUE;
    this.#isRerouted = true;
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
      this.response?.free();
      this.response = sendReply(this.#stream, this.request, status, flag, body ?? detail);
      this.status = status;
      this.#responseStarted = true;
      if (this.request.method !== METHOD.head) this.bytesOut += this.response.contentLength;
    }
    this.#end();
    return REPLIED;
  }

  // The downstream's half.

  onData(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    if (this.ended) return;
    this.moved = true;
    this.bytesIn += end - start;
    this.#body.arrived(end - start);
    if (this.#stages === null || !this.#stages.onRequest(bytes, start, end, last)) {
      this.passRequest(bytes, start, end, last);
    }
    if (!this.ended) this.tryWritable();
  }

  /** After the body stages. */
  passRequest(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    this.#body.pass(bytes, start, end, last, this.#upstream(), this.#isTunnel);
    if (last) this.#requestDone();
  }

  onTrailers(fields: Head): void {
    if (this.ended) return fields.free();
    this.#body.passTrailers(fields, this.#upstream());
    this.#requestDone();
  }

  onWritable(): void {
    const stream = this.#upstream();
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
    const seconds = this.down.manager.streamIdleTimeoutMs / 1000;
    if (this.#body.ended) this.reply(504, 'UT', `no byte for ${seconds} s`);
    else this.reply(408, 'SI', `no byte of the request for ${seconds} s`);
  }

  // The upstream's half.

  tryOpened(current: Try, stream: Stream): void {
    this.host = current.endpoint;
    if (current.tunnel) {
      this.#beginTunnel(Head.response(200));
      if (this.ended) return;
      this.#body.flush(stream);
    } else {
      this.#body.begin(this.request, stream);
    }
    if (current.live) this.#body.credit(this.#stream, stream);
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
    if (this.#filters.length > 0 && askOfResponse(this.#filters, this) === REPLIED) return;
    this.#responseStarted = true;
    if (last) this.#responseEnded = true;
    this.#stream.sendHead(head, last);
    if (last) this.#end();
  }

  tryData(_current: Try, bytes: Uint8Array, start: number, end: number, last: boolean): void {
    this.moved = true;
    this.#responseOwed += end - start;
    if (this.#stages === null || !this.#stages.onResponse(bytes, start, end, last)) {
      this.passResponse(bytes, start, end, last);
    }
    if (!last && !this.ended && this.#stream.unsent <= HIGH_WATER) this.onWritable();
  }

  /** After the body stages. */
  passResponse(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    this.bytesOut += end - start;
    if (last) this.#responseEnded = true;
    this.#stream.sendData(bytes, start, end, last);
    if (last && (!this.#isTunnel || this.#body.ended)) this.#end();
  }

  tryTrailers(_current: Try, fields: Head): void {
    this.#responseEnded = true;
    this.#stream.sendTrailers(fields);
    fields.free();
    this.#end();
  }

  tryWritable(): void {
    this.#body.credit(this.#stream, this.#upstream());
  }

  tryFailed(current: Try, reset: ResetReason, flag: ResponseFlag, detail: string): void {
    this.host = current.endpoint ?? this.host;
    if ((flag === '' || flag === 'UF') && this.#retry(current, reset, 0)) return;
    if (flag !== '' && this.flag === '') this.flag = flag;
    this.reply(statusOf(reset), this.flag || 'UC', detail || `${describeReset(reset)} by ${this.serviceName}`);
  }

  // Between the two.

  #matchRoute(): Verdict {
    const table = this.#binding.routes(this.down.manager);
    const entry = table === null ? null : matchRoute(table, this.request, this.down.world.runtime.random.next());
    if (entry === null) {
      const { authorityText, pathText } = this.request;
      return this.reply(404, 'NR', `no route for ${authorityText}${pathText.slice(0, 200)}`);
    }
    this.entry = entry;
    this.#filters = this.down.filters.chain(entry);
    return CONTINUE;
  }

  #runFilters(): void {
    this.#at = askOfRequest(this.#filters, this, this.#at);
    if (this.#at === this.#filters.length && !this.ended) this.#forward();
  }

  #forward(): void {
    const action = this.entry === null ? null : this.entry.action;
    if (action === null) return;
    if (action.kind === 'direct') {
      this.reply(action.status, '', 'direct response', action.body);
      return;
    }
    const { world } = this.down;
    this.#action = action;
    const { name } = pickCluster(action.clusters, world.runtime.random.next());
    const cluster = this.#binding.cluster(name);
    if (cluster === null) {
      this.reply(action.notFoundStatus, 'NC', `the route ${this.routeName} names the unknown cluster ${name}`);
      return;
    }
    this.cluster = cluster;
    grantUpgrade(this.request, action.upgrades, this.down.manager.upgrades);
    if (this.#isConnect() && this.#handOver(cluster)) return;
    if (cluster.chained) makeAbsolute(this.request);
    this.#body.replays = mayReplay(this.request.method, action.retry);
    if (this.#body.ended) this.#armTimeout();
    this.#startTry();
  }

  /** CONNECT to a name of the mesh: what comes in the tunnel is looked at as if it had been connected directly. */
  #handOver(cluster: Cluster): boolean {
    const listener = internalListener(cluster);
    if (listener === null || enterInternal(listener, this.#stream, this.down.world.internals) === null) return false;
    this.#handedOver = true;
    this.#downGone = true;
    this.down.onHandedOver();
    this.#end();
    return true;
  }

  #startTry(): void {
    const { world } = this.down;
    const cluster = this.cluster as Cluster; // set by #forward before the first try
    const retries = this.#retries;
    const tunnel = this.#isConnect() && !cluster.chained;
    const fresh = retries !== null && retries.fresh;
    const current = new Try(this, cluster, world.timers, tunnel, fresh, retries === null ? NO_HOSTS : retries.tried);
    this.#try = current;
    if (retries !== null && !fresh && !cluster.takeRetry(current)) {
      current.onRefused('UO', cluster.circuit.describe(cluster.circuit.retries));
      return;
    }
    current.start(this.#action?.retry?.perTryTimeoutMs ?? 0);
  }

  /** Makes another try if the plan says so; else leaves the flag to end with. */
  #retry(current: Try, reset: ResetReason | null, status: number): boolean {
    const { world } = this.down;
    const facts: RetryFacts = {
      policy: this.#action === null ? null : this.#action.retry,
      reset,
      status,
      retries: this.retries,
      idempotent: isIdempotent(this.request.method),
      responseStarted: this.#responseStarted,
      replayable: this.#body.complete,
      bytesSent: reset !== RESET.connect,
    };
    const decision = planRetry(facts, current.cluster.circuit, world.runtime.random.next());
    if (!decision.retry) {
      this.flag = decision.flag;
      return false;
    }
    current.drop();
    this.#try = null;
    this.retries++;
    const retries = (this.#retries ??= new Retries(world.timers, () => this.#startTry()));
    retries.failed(current.endpoint, reset);
    if (decision.afterMs === 0) this.#startTry();
    else retries.schedule(decision.afterMs);
    return true;
  }

  /** Both directions carry raw bytes from here on, each until its own end. */
  #beginTunnel(head: Head): void {
    this.response = head;
    this.status = head.status;
    this.#isTunnel = true;
    this.#responseStarted = true;
    this.#body.ended = false;
    if (this.#timeout !== null) this.down.world.timers.disarm(this.#timeout);
    this.#stream.sendHead(head, false);
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
    this.#timeout = new CallbackTimer(() => {
      this.reply(504, 'UT', `request timeout of ${timeoutMs} ms ended for ${this.serviceName}`);
    });
    this.down.world.timers.arm(this.#timeout, timeoutMs);
  }

  #abandonTry(reason: ResetReason): void {
    this.#try?.abandon(reason);
    this.#try = null;
  }

  #end(): void {
    if (this.ended) return;
    this.ended = true;
    const { world } = this.down;
    this.stopListening();
    if (this.#timeout !== null) world.timers.disarm(this.#timeout);
    this.#retries?.stop();
    const current = this.#try;
    this.#try = null;
    // An answer before the whole request: what is left of the request has no reader.
    if (this.#body.ended) current?.finish(this.status >= 500 ? OUTCOME.failed : OUTCOME.ok);
    else current?.abandon(RESET.cancelled);
    tellOfEnd(this.#filters, this, this.#at);
    if (!this.#body.ended && !this.#downGone) this.#stream.discard();
    if (!this.#handedOver) this.observe();
    world.telemetry.active.add(-1);
    this.#body.free();
    this.request.free();
    this.response?.free();
    this.#stages = null;
  }

  #upstream(): Stream | null {
    return this.#try === null ? null : this.#try.stream;
  }

  #isConnect(): boolean {
    return this.request.method === METHOD.connect && this.#action !== null && this.#action.connect;
  }
}
