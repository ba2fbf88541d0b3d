/**
 * A proxy, put together: configuration from the control plane or the disk, the data plane that it drives, and the admin
 * endpoint that shows both.
 */
import type { Log } from '../core/log.ts';
import type { Address, Listener, Runtime } from '../core/runtime.ts';
import { TimerWheel } from '../core/timer-wheel.ts';
import { FILTER_MODULES } from '../filters/all.ts';
import type { SvidSource } from '../identity/svid.ts';
import type { Locality } from '../snapshot/snapshot.ts';
import type { JsonObject } from '../xds/wire/json.ts';
import { adminRoutes } from './admin-routes.ts';
import { serveAdmin } from './admin/admin-server.ts';
import { ConfigClient } from './config/config-client.ts';
import type { ReceivedResource } from '../xds/client/received.ts';
import { type BootstrapSources, bootstrapSources } from './config/bootstrap-sources.ts';
import { meshSources } from './config/mesh-sources.ts';
import { DataPlane } from './data-plane.ts';

export interface ProxyOptions {
  readonly runtime: Runtime;
  readonly log: Log;
  readonly node: { readonly id: string; readonly cluster: string; readonly metadata: JsonObject };
  readonly control: MeshControl | BootstrapControl;
  /** Of this program, for `/server_info`. */
  readonly version: string;
  /** Port 0: a free one. */
  readonly admin: Address;
  /** Where the last good configuration is kept; null: nowhere. */
  readonly statePath: string | null;
  /** An HTTP proxy for what leaves the mesh; null: direct. */
  readonly egressProxy: Address | null;
  /** JSON lines; null: no access log. */
  readonly accessLogPath: string | null;
  /** Downstream connections at once. Default 20,000. */
  readonly maxConnections?: number;
  /** Where this proxy is, for zone-aware routing; null or unset: unknown. */
  readonly locality?: Locality | null;
  /** The cluster that this proxy belongs to itself; default none. */
  readonly localCluster?: string;
}

/** A sidecar: the control plane of its mesh, and the identity that it has there. */
export interface MeshControl {
  readonly kind: 'mesh';
  readonly xds: Address;
  readonly svid: SvidSource;
  /** Roots of the mesh, of the control plane too, until it sends newer ones. */
  readonly trustBundlePem: string;
}

/** What a bootstrap file says, and the servers that it names. */
export interface BootstrapControl {
  readonly kind: 'bootstrap';
  /** Valid: they were read once before. */
  readonly statics: readonly ReceivedResource[];
  readonly sources: BootstrapSources;
}

export interface RunningProxy {
  /** The first configuration is in use and its listeners are bound. Rejects never. */
  readonly ready: Promise<void>;
  readonly adminAddress: Address;
  /** Resolves when the inbound requests have been answered and no more come, or after `graceMs`. Refuses nothing. */
  settle(graceMs: number): Promise<void>;
  /** Inbound: every connection ends after the exchange that it carries. Resolves when none is left, or after `graceMs`. */
  drain(graceMs: number, which?: 'inbound' | 'all'): Promise<void>;
  close(): Promise<void>;
}

/** Rejects when the admin address cannot be bound. */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const { runtime, log, node } = options;
  const timers = new TimerWheel(runtime.clock);
  const { control } = options;
  const isSidecar = control.kind === 'mesh';
  const plane = new DataPlane({
    ...options,
    timers,
    service: serviceName(node),
    svid: isSidecar ? control.svid : null,
    trustBundlePem: isSidecar ? control.trustBundlePem : '',
  });
  let applied: Promise<unknown> = Promise.resolve();
  const config = new ConfigClient({
    ...options,
    timers,
    modules: FILTER_MODULES,
    demand: plane.demand,
    takeClusterUsed: (name) => plane.clusters.current.get(name)?.takeUsed() ?? false,
    tls: isSidecar ? 'mesh' : 'own',
    statics: isSidecar ? [] : control.statics,
    sources: (bundlePem, statics) =>
      isSidecar
        ? meshSources({
            clock: runtime.clock,
            address: control.xds,
            svid: control.svid,
            trustBundlePem: () => bundlePem() ?? control.trustBundlePem,
          })
        : bootstrapSources(control.sources, { net: runtime.net, identity: plane.identity, statics }),
    bind: (snapshot) => plane.bind(snapshot),
    swap: (binding) => {
      applied = plane.use(binding);
    },
  });
  const startedAt = runtime.clock.now();
  let isReady = false;
  const unready = (): string => whyUnready(plane, isReady);
  const admin = await serveAdmin(
    runtime,
    timers,
    options.admin,
    adminRoutes({
      runtime,
      log,
      plane,
      config,
      node,
      locality: options.locality ?? null,
      version: options.version,
      startedAt,
      unready,
    }),
  );
  plane.keepOut(admin.address);
  config.start();
  const ready = config.ready.then(async () => {
    await applied;
    isReady = true;
    log.info('proxy ready', { node: node.id, listeners: plane.listeners.active.length });
  });
  return {
    ready,
    adminAddress: admin.address,
    settle: (graceMs) => plane.settle(graceMs),
    drain: (graceMs, which) => plane.drain(graceMs, which),
    close: () => close(config, plane, admin),
  };
}

async function close(config: ConfigClient, plane: DataPlane, admin: Listener): Promise<void> {
  await config.close();
  await plane.close();
  await admin.close();
}

/** Why this proxy should get no traffic; empty when it should. */
function whyUnready(plane: DataPlane, isConfigured: boolean): string {
  if (plane.draining) return 'draining';
  if (!isConfigured) return 'waiting for the configuration';
  if (!plane.identity.valid) return plane.identity.fault;
  const [failure] = plane.listeners.failures;
  return failure === undefined ? '' : `listener ${failure.listener} is not bound: ${failure.reason}`;
}

/** `catalog.shop` from node cluster `catalog` and node id `shop/catalog-1`. */
function serviceName(node: ProxyOptions['node']): string {
  const [namespace = ''] = node.id.split('/', 1);
  return node.cluster.includes('.') || namespace === '' ? node.cluster : `${node.cluster}.${namespace}`;
}
