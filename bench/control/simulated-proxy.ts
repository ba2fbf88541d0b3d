/**
 * The configuration half of a sidecar without what it does with it: the stream and the client are those of `weft run`,
 * the resources are counted and forgotten. Thousands fit into a process.
 */
import { silentLog } from '../../src/core/log.ts';
import type { Address, RpcCaller, Runtime } from '../../src/core/runtime.ts';
import type { Timers } from '../../src/core/timer-wheel.ts';
import type { Svid } from '../../src/identity/svid.ts';
import { ControlLink } from '../../src/proxy/config/control-link.ts';
import { meshChannel } from '../../src/proxy/config/mesh-sources.ts';
import { ClientResources } from '../../src/xds/client/client-resources.ts';
import { DeltaStream } from '../../src/xds/client/delta-stream.ts';
import type { ReceivedResource, XdsDelta } from '../../src/xds/client/received.ts';
import { TYPE_URLS } from '../../src/xds/resource.ts';
import { streamPath } from '../../src/xds/service-paths.ts';
import { NodeTable } from '../../src/xds/tables/tables.gen.ts';
import { decode } from '../../src/xds/wire/decode.ts';
import { create, KIND, Table } from '../../src/xds/wire/table.ts';

export interface SimulatedProxyOptions {
  readonly runtime: Runtime;
  readonly rpc: RpcCaller;
  readonly timers: Timers;
  readonly name: string;
  readonly namespace: string;
  readonly service: string;
  readonly svid: Svid;
  readonly trustBundlePem: string;
  readonly xds: Address;
  /** Everything that the new stream must bring is there and acknowledged. */
  readonly onSynced: (proxy: SimulatedProxy) => void;
  /** Each resource as it comes, before it is acknowledged. */
  readonly onResource: (proxy: SimulatedProxy, resource: ReceivedResource) => void;
}

const ResponseHead = new Table<{ readonly typeUrl: string }>(
  'envoy.service.discovery.v3.DeltaDiscoveryResponse',
  () => [[4, 'typeUrl', KIND.string]],
);

const NO_BYTES = new Uint8Array(0);
const WILDCARDS: readonly string[] = [TYPE_URLS.cluster, TYPE_URLS.listener];
const MESH_CLUSTER = /^(?:http|http2|tcp)\|(.*)$/;
const MESH_LISTENER = /^outbound\|\d+\|[^|]+$/;

/** What all proxies hold has one name and one version in memory. */
const interned = new Map<string, string>();

export class SimulatedProxy {
  readonly name: string;
  /** Since the start or `reset`: of messages, without what frames and encrypts them. */
  receivedBytes = 0;
  #isSynced = false;
  readonly #options: SimulatedProxyOptions;
  readonly #resources: ClientResources;
  readonly #link: ControlLink;
  /** Wildcard types that the stream has answered. */
  readonly #answered = new Set<string>();

  constructor(options: SimulatedProxyOptions) {
    const { runtime, timers, name, namespace, service, svid, trustBundlePem } = options;
    this.name = name;
    this.#options = options;
    const metadata = { kind: 'weft' };
    const node = create(NodeTable, { id: `${namespace}/${name}`, cluster: service, metadata, userAgentName: 'bench' });
    this.#resources = new ClientResources({ wallMs: () => 0, apply: (delta) => this.#apply(delta) });
    this.#resources.want(TYPE_URLS.secret, new Set(['trust-bundle']));
    this.#link = new ControlLink({
      clock: runtime.clock,
      random: runtime.random,
      rpc: { open: (target, path, handler) => this.#open(options.rpc, target, path, handler) },
      timers,
      log: silentLog,
      channel: meshChannel({
        clock: runtime.clock,
        address: options.xds,
        svid: { current: () => svid, subscribe: () => () => {} },
        trustBundlePem: () => trustBundlePem,
      }),
      path: streamPath(null, 'delta'),
      stream: new DeltaStream(this.#resources, node, () => true),
      onMessage: () => this.#checkSynced(),
      onDown: () => {
        this.#isSynced = false;
        this.#answered.clear();
      },
    });
  }

  get isSynced(): boolean {
    return this.#isSynced;
  }

  open(): void {
    this.#link.open();
  }

  close(): void {
    this.#link.close();
  }

  #open(...[rpc, target, path, handler]: readonly [RpcCaller, ...Parameters<RpcCaller['open']>]) {
    return rpc.open(target, path, {
      onMessage: (bytes) => {
        this.receivedBytes += bytes.length;
        if (!this.#isSynced) this.#answered.add(decode(ResponseHead, bytes).typeUrl);
        handler.onMessage(bytes);
      },
      onWritable: () => handler.onWritable(),
      onClose: (status) => handler.onClose(status),
    });
  }

  #apply({ type, changed }: XdsDelta): readonly [] {
    for (const resource of changed) {
      this.#options.onResource(this, resource);
      // Versions are what a reconnect tells of; contents are nobody's here.
      Object.assign(resource, { name: one(resource.name), version: one(resource.version), bytes: NO_BYTES });
    }
    if (WILDCARDS.includes(type)) this.#want(type, changed);
    return [];
  }

  #want(type: string, changed: readonly ReceivedResource[]): void {
    const isCluster = type === TYPE_URLS.cluster;
    const referred = isCluster ? TYPE_URLS.endpoints : TYPE_URLS.routes;
    const wanted = new Set(this.#resources.states().flatMap((state) => (state.type === referred ? [state.name] : [])));
    for (const { name } of changed) {
      const refers = isCluster ? MESH_CLUSTER.exec(name)?.[1] : MESH_LISTENER.exec(name)?.[0];
      if (refers !== undefined) wanted.add(one(refers));
      else if (name === 'outbound|http-proxy') wanted.add('outbound');
    }
    this.#resources.want(referred, wanted);
  }

  #checkSynced(): void {
    if (this.#isSynced || !WILDCARDS.every((type) => this.#answered.has(type))) return;
    if (this.#resources.states().some(({ state }) => state === 'requested')) return;
    this.#isSynced = true;
    this.#options.onSynced(this);
  }
}

function one(text: string): string {
  const known = interned.get(text);
  if (known !== undefined) return known;
  interned.set(text, text);
  return text;
}
