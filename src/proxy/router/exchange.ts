/**
 * One request and its response on their way through the proxy: the downstream's half of both bodies, where they meet
 * the upstream's, the end. Created per request, ends exactly once, never reused; late callbacks find `ended` and return.
 */
import type { BodyStage } from '../../http/exchange.ts';
import type { ResponseFlag } from '../../http/flags.ts';
import { FRAMING } from '../../http/framing.ts';
import { GRPC_STATUS, grpcStatusIn } from '../../http/grpc/status.ts';
import type { Head } from '../../http/head.ts';
import { type MessageReceiver, RESET, type ResetReason, type Stream } from '../../http/message.ts';
import { METHOD } from '../../http/method.ts';
import { REPLIED, type Verdict } from '../../http/verdict.ts';
import { OUTCOME } from '../cluster/attempt.ts';
import type { Screening } from '../../snapshot/snapshot.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { BodyStages } from './body-stages.ts';
import type { Downstream } from './downstream.ts';
import { type DownstreamStream, enterInternal, internalListener } from './internal-connect.ts';
import { type Forwarded, Forwarding } from './forwarding.ts';
import type { Mirrors } from './mirrors.ts';
import { editAlso, mapReply } from './local-reply.ts';
import { mayReplay } from './replay.ts';
import { grpcStatusOf, replyText, sendGrpcFailure, sendGrpcReply, sendReply } from './reply.ts';
import { RequestBody } from './request-body.ts';
import { addCookie, NO_PLACE, placeOf } from './request-place.ts';
import { editResponse, overHttps, redirected, replyEdit, rewriteRequest, sayTries } from './request-rewrite.ts';
import { makeAbsolute } from './request-target.ts';
import { RoutedExchange } from './routed-exchange.ts';
import { screen } from './screening.ts';
import { answerUpgrade, grantUpgrade, HANDSHAKE, type Handshake } from './upgrade.ts';

export class HttpExchange extends RoutedExchange implements MessageReceiver, Forwarded {
  readonly #stream: DownstreamStream;
  readonly #body: RequestBody;
  #forwarding: Forwarding | null = null;
  /** null: the request goes nowhere else. */
  #mirrors: Mirrors | null = null;
  #stages: BodyStages | null = null;
  responseStarted = false;
  #responseEnded = false;
  #isTunnel = false;
  #handshake: Handshake = HANDSHAKE.none;
  #place = NO_PLACE;
  /** Where a redirect leads. */
  #location = '';
  /** The answer says how many tries there were. */
  #tellsTries = false;
  /** Nothing may be said to the downstream any more. */
  #downGone = false;
  /** The connection went to another handler, which counts what it does itself. */
  #handedOver = false;

  constructor(down: Downstream, stream: DownstreamStream, request: Head) {
    super(down, request);
    const { world } = down;
    this.#stream = stream;
    this.#body = new RequestBody(world.chunks);
    world.telemetry.active.add(1);
  }

  onHead(_head: Head, last: boolean): void {
    const { world, manager, direction, clientCert, origin, fault } = this.down;
    this.#body.ended = last;
    if (origin !== null) world.fields.setOrigin(this.request, origin);
    if (last && this.notes !== null) this.notes.requestEndedAt = this.startedAt;
    world.fields.addRequestId(this.request);
    world.traces.enter(this.request, manager.traceShare);
    if (fault !== '') {
      this.reply(503, 'SE', fault);
      return;
    }
    // Inbound, what a caller claims never passes, whatever the mode says.
    if (direction === 'inbound' || manager.forwardClientCert !== 'forward') {
      world.fields.setClientCert(this.request, clientCert);
    }
    if (manager.screening !== null && !this.#passes(manager.screening)) return;
    this.enterRoute();
    if (this.ended) return;
    // A filter waits for something, or the router for a virtual host or a cluster: it may not for longer than the whole may last.
    if (this.#forwarding === null) this.limitDuration(null, this.startedAt);
    this.startClock(this.startedAt);
  }

  /** False: it has its answer. */
  #passes(rules: Screening): boolean {
    const screened = screen(this.request, rules, this.down.info.local.port);
    if (screened === null) return true;
    if ('fault' in screened) {
      this.reply(400, 'DPE', screened.fault);
    } else {
      this.#location = screened.location;
      this.reply(307, '', 'redirect to the same path, unescaped', '');
    }
    return false;
  }

  stage(direction: 'request' | 'response', stage: BodyStage): void {
    this.#stages ??= new BodyStages(this);
    this.#stages.add(direction, stage);
  }

  reply(status: number, flag: ResponseFlag, detail: string, body?: string, grpcStatus = -1): Verdict {
    if (this.ended) return REPLIED;
    this.flag = flag;
    this.detail = detail;
    this.#forwarding?.abandon(RESET.cancelled);
    if (this.isGrpc) this.grpcStatus = grpcStatus >= 0 ? grpcStatus : grpcStatusOf(status, flag);
    if (this.responseStarted) {
      this.#breakOff(flag, body ?? detail);
    } else {
      this.response?.free();
      this.status = this.isGrpc ? 200 : status;
      if (this.notes !== null) this.notes.respondedAt = -1;
      const text = body ?? detail;
      const { localReplies } = this.down.manager;
      const mapped =
        localReplies === undefined || this.isGrpc ? null : mapReply(localReplies, this, replyText(flag, text));
      const edit = replyEdit(this.entry, this.#location, this.#tellsTries ? this.retries : -1, this);
      const edits = mapped === null ? edit : editAlso(edit, mapped, this);
      this.response = this.isGrpc
        ? sendGrpcReply(this.#stream, this.request, this.grpcStatus, flag, text, edit)
        : sendReply(this.#stream, this.request, this.status, flag, text, edits, mapped);
      this.status = this.response.status;
      this.responseStarted = true;
      if (this.request.method !== METHOD.head && !this.isGrpc) this.bytesOut += this.response.contentLength;
    }
    this.#end();
    return REPLIED;
  }

  /** What was promised cannot be kept: a truncated message must not look whole. */
  #breakOff(flag: ResponseFlag, text: string): void {
    const takesTrailers = this.isGrpc && !this.#isTunnel && this.response !== null && this.response.contentLength < 0;
    if (takesTrailers) return sendGrpcFailure(this.#stream, this.grpcStatus, flag, text);
    this.#downGone = true;
    this.#stream.reset(RESET.cancelled);
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
    if (!this.ended) this.#body.credit(this.#stream, this.#upstream());
  }

  /** After the body stages. */
  passRequest(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    if (this.#mirrors !== null) this.#mirrors.sendData(bytes, start, end, last);
    this.#body.pass(bytes, start, end, last, this.#upstream(), this.#isTunnel);
    if (last) this.#requestDone();
  }

  onTrailers(fields: Head): void {
    if (this.ended) return fields.free();
    if (this.#mirrors !== null) this.#mirrors.sendTrailers(fields);
    this.#body.passTrailers(fields, this.#upstream());
    this.#requestDone();
  }

  onWritable(): void {
    this.#forwarding?.releaseOwed();
  }

  onReset(reason: ResetReason): void {
    if (this.ended) return;
    this.#downGone = true;
    this.flag = reason === RESET.protocol ? 'DPE' : reason === RESET.limit ? 'LO' : 'DC';
    this.detail = 'the client ended the connection';
    this.#forwarding?.abandon(RESET.cancelled);
    this.#end();
  }

  protected override get requestEnded(): boolean {
    return this.#body.ended;
  }

  // What the upstream's half says.

  interim(head: Head): void {
    this.#stream.sendHead(head, false);
    head.free();
  }

  respond(head: Head, last: boolean): void {
    if (this.#handshake !== HANDSHAKE.none) {
      const fault = answerUpgrade(this.request, head, this.#handshake);
      if (fault !== '') {
        head.free();
        this.reply(502, 'UPE', `${fault} by ${this.serviceName}`);
        return;
      }
    }
    if (head.framing === FRAMING.tunnel) return this.beginTunnel(head);
    this.response = head;
    this.status = head.status;
    addCookie(head, this.#place);
    if (last && this.isGrpc) this.grpcStatus = grpcStatusIn(head);
    if (this.notes !== null) this.notes.respondedAt = this.timeNow(this.startedAt);
    if (this.#tellsTries) sayTries(head, this.retries);
    editResponse(this.entry, head, this);
    if (this.filtersReply()) return;
    this.responseStarted = true;
    if (last) this.#responseEnded = true;
    this.#stream.sendHead(head, last);
    if (last) this.#end();
  }

  respondData(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    if (this.#stages === null || !this.#stages.onResponse(bytes, start, end, last)) {
      this.passResponse(bytes, start, end, last);
    }
  }

  /** After the body stages. */
  passResponse(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    this.bytesOut += end - start;
    if (last) this.#responseEnded = true;
    this.#stream.sendData(bytes, start, end, last);
    if (last && (!this.#isTunnel || this.#body.ended)) this.#end();
  }

  respondTrailers(fields: Head): void {
    this.#responseEnded = true;
    if (this.isGrpc) this.grpcStatus = grpcStatusIn(fields);
    this.#stream.sendTrailers(fields);
    if (this.notes !== null) this.notes.trailers = fields;
    this.#end();
    fields.free();
  }

  /** Both directions carry raw bytes from here on, each until its own end. */
  beginTunnel(head: Head): void {
    this.response = head;
    this.status = head.status;
    this.#isTunnel = true;
    this.down.world.telemetry.tunnels.add(1);
    this.responseStarted = true;
    this.#body.ended = false;
    this.forgetRequestTimeout();
    this.#stream.sendHead(head, false);
  }

  // Between the two.

  protected override forward(): void {
    const action = this.entry === null ? null : this.entry.action;
    if (action === null) return;
    if (action.kind !== 'forward') {
      if (action.kind === 'redirect') {
        this.#location = redirected(action, this.request, this.down.secure);
        if (this.#location === '') return void this.reply(400, 'DPE', `no redirect of ${this.routeName} can be said`);
      }
      this.reply(action.status, '', `${action.kind} response`, action.kind === 'direct' ? action.body : '');
      return;
    }
    const { world } = this.down;
    const cluster = this.chooseCluster(action);
    if (cluster === null) return;
    this.cluster = cluster;
    this.#handshake = grantUpgrade(this.request, action, this.down.manager.upgrades, world.runtime.random);
    if (this.#handshake === HANDSHAKE.refused) {
      this.reply(501, 'NR', `the route ${this.routeName} lets nobody upgrade to that protocol`);
      return;
    }
    const connects = this.request.method === METHOD.connect && action.connect;
    if (connects && this.#handOver(cluster)) return;
    const fault = rewriteRequest(this.request, this.entry, action, this);
    if (fault !== '') return void this.reply(400, 'DPE', fault);
    if (cluster.chained) makeAbsolute(this.request);
    if (action.hash.length > 0) {
      this.#place = placeOf(action.hash, this.request, this.down.info, world.runtime.random);
    }
    const { method, contentLength } = this.request;
    // What is known to be too large is not even begun to be kept.
    const replays = contentLength <= action.maxReplayBytes && mayReplay(method, action.retry);
    if (replays) this.#body.maxReplayBytes = action.maxReplayBytes;
    const tunnel = connects && !cluster.chained;
    const { hash } = this.#place;
    const { subset } = this;
    this.#forwarding = new Forwarding(this, world, this.#stream, this.#body, action, cluster, tunnel, hash, subset);
    if (!this.watchTimes(action)) return;
    if (this.#body.ended) this.startTimeout();
    // What is handed on as it is has no second reader.
    if (action.mirrors.length > 0 && !connects && this.#handshake === HANDSHAKE.none) {
      this.#mirrors = this.startMirrors(action, this.#place.hash, this.#body);
    }
    this.#tellsTries = action.tellsTries;
    this.#forwarding.start();
  }

  protected override redirectToTls(): Verdict {
    this.#location = overHttps(this.request);
    return this.reply(301, '', 'redirect to https', '');
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

  #requestDone(): void {
    if (this.#isTunnel) {
      if (this.#responseEnded) this.#end();
    } else {
      if (this.notes !== null) this.notes.requestEndedAt = this.timeNow(this.startedAt);
      this.startTimeout();
      this.#forwarding?.requestDone();
    }
  }

  #end(): void {
    if (this.ended) return;
    this.ended = true;
    const { world } = this.down;
    this.stopClock();
    if (this.isGrpc && this.#responseEnded) {
      // A response that is whole and says nothing of it is an error to gRPC.
      if (this.grpcStatus < 0 && this.status === 200) this.grpcStatus = GRPC_STATUS.unknown;
      if (this.grpcStatus >= 0) this.host?.noteGrpcStatus(this.grpcStatus);
    }
    // An answer before the whole request: what is left of the request has no reader.
    if (this.#body.ended) this.#forwarding?.finish(this.isFailed ? OUTCOME.failed : OUTCOME.ok);
    else this.#forwarding?.abandon(RESET.cancelled);
    if (this.#mirrors !== null) this.#mirrors.leave();
    this.tellFilters();
    this.addNotes();
    if (!this.#body.ended && !this.#downGone) this.#stream.discard();
    if (!this.#handedOver) this.observe();
    world.telemetry.active.add(-1);
    if (this.#isTunnel) world.telemetry.tunnels.add(-1);
    this.#body.free();
    this.request.free();
    this.response?.free();
    this.#stages = null;
  }

  #upstream(): Stream | null {
    return this.#forwarding === null ? null : this.#forwarding.stream;
  }
}
