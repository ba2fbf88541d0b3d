/**
 * Joins generation to the proxies: serves ADS in both variants, gives every stream the view of its proxy, and pushes what changed.
 * It knows who is connected and how far each has come, so status and drain ask here.
 */
import { messageOf } from '../../core/errors.ts';
import type { Limit } from '../../core/limit.ts';
import type { Log } from '../../core/log.ts';
import { LogThrottle } from '../../core/log-throttle.ts';
import type {
  Address,
  Clock,
  Listener,
  PeerCertificate,
  Rpc,
  RpcHandler,
  RpcStatus,
  RpcStream,
  TlsOptions,
} from '../../core/runtime.ts';
import { CallbackTimer, type Timers } from '../../core/timer-wheel.ts';
import { shortTypeName, TYPE_URLS, type TypeUrl } from '../../xds/resource.ts';
import { type Nack, Quarantine } from '../../xds/server/quarantine.ts';
import { ResponseCache } from '../../xds/server/response-cache.ts';
import type { Node } from '../../xds/tables/messages.gen.ts';
import { NodeTable } from '../../xds/tables/tables.gen.ts';
import { create } from '../../xds/wire/table.ts';
import { AckWaits } from './ack-waits.ts';
import { admit, type Authorize, isGrpcClient } from './admit.ts';
import type { Callers } from './callers.ts';
import { Debounce } from './debounce.ts';
import { Door, type Service } from './door.ts';
import type { GuardedStream } from './guarded-stream.ts';
import { mergeStatuses } from './merge-statuses.ts';
import { METHOD_BY_PATH } from './methods.ts';
import { NodeStreams } from './node-streams.ts';
import {
  type Admitted,
  MAX_REQUEST_BYTES,
  openProxyStream,
  type ProxyStatus,
  type ProxyStream,
  type StreamOwner,
} from './proxy-stream.ts';
import { openStatusStream, STATUS_METHODS } from './status-stream.ts';
import type { StreamEnding } from './stream-endings.ts';
import { Turnstile } from './turnstile.ts';
import { XdsMetrics } from './xds-metrics.ts';
import { ON_DEMAND_TYPES, type OnDemandType, type ProxyNode, type Views } from './views.ts';

export interface PublisherOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly views: Views;
  readonly authorize: Authorize;
  /** What the record of this node says it is; empty when it says nothing and the node's own word counts. */
  readonly recordedKind?: (nodeId: string) => string;
  /** Called for every refused resource, after it was logged. */
  readonly onNack?: (node: ProxyNode, nack: Nack) => void;
  /** Open streams; default 20,000. */
  readonly maxStreams?: number;
  /** Of one proxy; default 1,000: Envoy without ADS has a stream for each cluster's endpoints. */
  readonly maxStreamsPerNode?: number;
  /** Unset: counted for nobody. */
  readonly metrics?: XdsMetrics;
  /** Further services of the same port, by path. */
  readonly services?: (callers: Callers) => ReadonlyMap<string, Service>;
  /** Of the runtime. Unset: the next tick of the timers stands for it. */
  readonly endOfTurn?: (run: () => void) => void;
  /** Proxies that get a first configuration at once, while others wait; default 64. */
  readonly maxFirstSyncs?: number;
  /** Proxies that get their new view in one turn of the event loop; default 200. */
  readonly pushBatch?: number;
}

/** What to wait for: one resource, all of a type, or whatever a status says. */
export type Awaited = { readonly type: TypeUrl; readonly name?: string } | ((proxy: ProxyStatus) => boolean);

const NO_NODE = 'the first message of the stream has no node';

export class Publisher implements StreamOwner, Callers {
  readonly metrics: XdsMetrics;
  readonly #options: PublisherOptions;
  readonly #log: Log;
  /** Of refusals: each is counted all the same. */
  readonly #throttle: LogThrottle;
  readonly #door: Door;
  readonly #firstSyncs: Turnstile<ProxyStream>;
  readonly #nodes: NodeStreams;
  readonly #responses = new ResponseCache();
  readonly #quarantine = new Quarantine();
  readonly #waits: AckWaits;
  readonly #debounce: Debounce;
  readonly #pushTimer = new CallbackTimer(() => this.#push());
  readonly #changed = new Set<string>();
  #unsubscribe: () => void;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#log = options.log;
    const { clock, timers, metrics = new XdsMetrics() } = options;
    this.metrics = metrics;
    this.#throttle = new LogThrottle(clock);
    this.#door = new Door({ clock, timers, metrics }, this.#services(), options.maxStreams ?? 20_000);
    const start = (stream: ProxyStream) => this.#begin(stream);
    this.#firstSyncs = new Turnstile({
      ...{ clock, timers, metrics, start },
      maxAtOnce: options.maxFirstSyncs ?? 64,
      later: options.endOfTurn ?? ((run) => timers.arm(new CallbackTimer(run), 0)),
    });
    this.#nodes = new NodeStreams(options.maxStreamsPerNode ?? 1_000);
    this.#waits = new AckWaits(timers);
    this.#debounce = new Debounce(clock, timers, () => this.#push());
    this.#unsubscribe = options.views.onChange((nodes, urgency) => {
      for (const node of nodes === 'all' ? this.#nodes.nodes() : nodes)
        if (this.#nodes.has(node)) this.#changed.add(node);
      if (this.#changed.size > 0) this.#debounce.touch(urgency);
    });
  }

  /** Refusals of it are streams that were turned away. */
  get streamLimit(): Limit {
    return this.#door.limit;
  }

  /** Serves the proxies. `tls` must require and verify the peer's certificate: streams without one are refused. */
  listen(rpc: Rpc, at: Address, tls: TlsOptions): Promise<Listener> {
    return rpc.serve(at, tls, (stream, path, peer) => this.accept(stream, path, peer), MAX_REQUEST_BYTES);
  }

  accept(rpc: RpcStream, path: string, peer: PeerCertificate | null): RpcHandler | RpcStatus {
    return this.#door.accept(rpc, path, peer);
  }

  #services(): ReadonlyMap<string, Service> {
    const services = new Map<string, Service>(this.#options.services?.(this));
    for (const [path, isUnary] of STATUS_METHODS) {
      services.set(path, (stream) => openStatusStream(stream, this, isUnary));
    }
    for (const [path, method] of METHOD_BY_PATH) {
      services.set(path, (stream) =>
        method.variant === 'delta' ? openProxyStream(stream, method, this) : openProxyStream(stream, method, this),
      );
    }
    return services;
  }

  ending(reason: StreamEnding, message: string): RpcStatus {
    return this.metrics.end(reason, message);
  }

  identify({ peer, remote }: GuardedStream, said: Node | undefined): ProxyNode | RpcStatus {
    const { authorize, recordedKind } = this.#options;
    // Who says nothing of himself is who his certificate says.
    const node = admit(said ?? create(NodeTable, { id: peer.commonName }), peer, authorize, recordedKind);
    if (typeof node !== 'string') return node;
    if (this.#throttle.allows(peer.commonName)) {
      this.#log.warn('proxy refused', { reason: node, remoteHost: remote.host, peer: peer.uris[0] ?? '' });
    }
    return this.ending('wrong-identity', node);
  }

  admit(stream: GuardedStream, said: Node | undefined): Admitted | RpcStatus {
    const { clock } = this.#options;
    const node = said === undefined ? this.ending('wrong-identity', NO_NODE) : this.identify(stream, said);
    if ('code' in node) return node;
    const session = {
      nodeId: node.id,
      client: { isGrpc: isGrpcClient(node, said) },
      nameBytes: this.#nodes.nameBytesOf(node.id),
      responses: this.#responses,
      quarantine: this.#quarantine,
      wallMs: () => clock.wall(),
      onNack: (nack: Nack, isRepeated: boolean) => this.#onNack(node, nack, isRepeated),
      onStaleNonce: () => this.metrics.staleNonces.add(1),
    };
    return { node, connectedSinceMs: clock.wall(), session };
  }

  onAdmitted(stream: ProxyStream, node: ProxyNode): RpcStatus | null {
    // The old one may be a connection that died without a word; two live proxies of one name would show in the log.
    const older = [...this.#nodes.of(node.id)].filter((other) => stream.isSole && other.path === stream.path);
    if (!this.#nodes.add(node.id, stream)) {
      return this.ending('too-many-streams-of-proxy', 'too many streams of this node');
    }
    for (const other of older) {
      other.end(this.ending('superseded', 'superseded by a newer stream of the same node'));
    }
    this.metrics.proxies.set(this.#nodes.size);
    this.#log.info('proxy connected', { node: node.id, kind: node.kind, remoteHost: stream.remoteHost });
    this.#firstSyncs.enter(stream);
    return null;
  }

  /** It is this stream's turn to get its first view. */
  #begin(stream: ProxyStream): void {
    const { node } = stream;
    if (node === null) return;
    try {
      stream.offer(this.#options.views.viewOf(node));
    } catch (error) {
      this.#log.error('no view for a proxy', { node: node.id, reason: messageOf(error) });
      stream.end(this.ending('no-view', messageOf(error)));
    }
  }

  onRequest(stream: ProxyStream): void {
    const { node, session } = stream;
    const { views } = this.#options;
    if (views.wanted === undefined || node === null || session === null) return;
    // All are taken, not only the first that has changed.
    if (!ON_DEMAND_TYPES.map((type) => session.takeNamesChanged(type)).some(Boolean)) return;
    for (const type of ON_DEMAND_TYPES) {
      const names = [...this.#nodes.of(node.id)].flatMap((each) => namesWanted(each, type));
      views.wanted(node, type, new Set(names));
    }
    this.#offer(node);
  }

  onSent(type: string, bytes: number): void {
    this.metrics.sent(type, bytes);
  }

  onProgress(stream: ProxyStream): void {
    if (this.#firstSyncs.isInside(stream) && stream.session?.isIdle === true) this.#firstSyncs.leave(stream);
    this.#waits.onProgress(stream);
  }

  onGone(stream: ProxyStream, status: RpcStatus): void {
    this.#waits.onGone(stream);
    this.#firstSyncs.leave(stream);
    const { node } = stream;
    if (node === null) return;
    this.#log.info('proxy disconnected', { node: node.id, code: status.code, reason: status.message });
    if (!this.#nodes.delete(node.id, stream)) return;
    this.metrics.proxies.set(this.#nodes.size);
    this.#changed.delete(node.id);
    this.#options.views.release(node.id);
  }

  /** Brings up to date what is not counted as it happens. */
  collectMetrics(): void {
    this.metrics.quarantined.set(this.#quarantine.size);
    this.metrics.framings.set(this.#responses.framings);
  }

  /** Every connected proxy, in order of node id. */
  proxies(): readonly ProxyStatus[] {
    const all = [...this.#nodes.nodes()].flatMap((node) => this.proxy(node) ?? []);
    return all.sort((a, b) => (a.node.id < b.node.id ? -1 : 1));
  }

  proxy(nodeId: string): ProxyStatus | null {
    return mergeStatuses([...this.#nodes.of(nodeId)].flatMap((stream) => stream.status() ?? []));
  }

  /**
   * Pushes what waits, then resolves to true when every proxy that is connected now has acknowledged exactly what it is
   * offered (or is gone), and to false after `timeoutMs`. A proxy that refused it, and so goes on as before, is not done.
   */
  waitForAck(what: Awaited, timeoutMs: number): Promise<boolean> {
    this.flush();
    return this.#waits.wait(this.#nodes.all(), (stream) => isDone(stream, what), timeoutMs);
  }

  /** Pushes all changes now, without waiting for others. */
  flush(): void {
    this.#debounce.cancel();
    this.#options.timers.disarm(this.#pushTimer);
    while (this.#changed.size > 0) this.#pushSome(this.#changed.size);
  }

  /** Ends every stream: proxies keep what they have and try elsewhere or again. */
  close(): void {
    this.#unsubscribe();
    this.#debounce.cancel();
    this.#options.timers.disarm(this.#pushTimer);
    this.#firstSyncs.close();
    this.#door.close();
  }

  /** In batches, so that a change for everybody does not keep the event loop from answering. */
  #push(): void {
    this.#pushSome(this.#options.pushBatch ?? 200);
    if (this.#changed.size > 0) this.#options.timers.arm(this.#pushTimer, 0);
  }

  #pushSome(count: number): void {
    let left = count;
    for (const nodeId of this.#changed) {
      if (left-- === 0) return;
      this.#changed.delete(nodeId);
      const [stream] = this.#nodes.of(nodeId);
      if (stream !== undefined && stream.node !== null) this.#offer(stream.node);
    }
  }

  #offer(node: ProxyNode): void {
    try {
      const view = this.#options.views.viewOf(node);
      for (const stream of this.#nodes.of(node.id)) {
        if (this.#firstSyncs.isWaiting(stream)) continue;
        stream.offer(view);
        this.#waits.onProgress(stream);
      }
    } catch (error) {
      // One proxy's view must not keep the others from theirs; it goes on with what it has.
      this.#log.error('no view for a proxy', { node: node.id, reason: messageOf(error) });
    }
  }

  #onNack(node: ProxyNode, nack: Nack, isRepeated: boolean): void {
    this.metrics.refused(nack.type);
    // Who asks again for what it refuses must not fill the log.
    if (isRepeated) return;
    this.#log.warn('proxy refused a resource', {
      node: node.id,
      type: shortTypeName(nack.type),
      resource: nack.name,
      version: nack.version,
      reason: nack.reason,
      origins: nack.origins.map(
        ({ kind, namespace, name, file }) => `${kind}/${namespace}/${name}${file && ` (${file})`}`,
      ),
    });
    this.#options.onNack?.(node, nack);
  }
}

function namesWanted({ node, session }: ProxyStream, type: OnDemandType): readonly string[] {
  if (session === null) return [];
  const names = [...session.namesOf(type)];
  // On a new stream Envoy names the clusters that it missed, and neither those that came along with a virtual host nor,
  // yet, that host. It goes on with them: they are in use until it has said what is.
  const isBeginning = node?.kind === 'envoy' && session.heldOf(TYPE_URLS.virtualHosts) === null;
  return isBeginning ? [...names, ...(session.heldOf(type) ?? [])] : names;
}

function isDone(stream: ProxyStream, what: Awaited): boolean {
  if (typeof what === 'function') {
    const status = stream.status();
    return status === null || what(status);
  }
  const { session } = stream;
  if (session === null) return true;
  return what.name === undefined ? session.isTypeSettled(what.type) : session.isSettled(what.type, what.name);
}
