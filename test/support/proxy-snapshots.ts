/** Snapshots as the control plane would cause them, in the few shapes that tests of the data plane need. */
import { HTTP2_DEFAULTS } from '../../src/snapshot/read/http2-options.ts';
import { ADS } from '../../src/xds/client/resource-source.ts';
import type { RetryPolicy } from '../../src/snapshot/retry-policy.ts';
import { type BalanceConfig, DEFAULT_SPREAD } from '../../src/snapshot/balance-config.ts';
import { DEFAULT_CHECK } from '../../src/snapshot/health-check-config.ts';
import type { Address } from '../../src/core/runtime.ts';
import { compileRoutes } from '../../src/snapshot/match-route.ts';
import type { ForwardAction, RouteEntry, RouteTable, WeightedCluster } from '../../src/snapshot/route-table.ts';
import type {
  ClusterConfig,
  DownstreamTls,
  Endpoint,
  FilterChain,
  HttpManager,
  ListenerConfig,
  Snapshot,
  TcpProxy,
  TlsSettings,
  UpstreamTls,
} from '../../src/snapshot/snapshot.ts';

export const DEFAULT_BALANCE: BalanceConfig = {
  policy: 'round-robin',
  choices: 2,
  activeRequestBias: 1,
  slowStart: null,
  ewmaDecayMs: 10_000,
  minRingSize: 1_024,
  maxRingSize: 8_388_608,
  tableSize: 65_537,
  panicPercent: 50,
  locality: { kind: 'none' },
  subsets: null,
  ignoresUnchecked: false,
};

export const TRUST_DOMAIN = 'weft.local';

export const RETRIES: RetryPolicy = {
  retries: 2,
  perTryTimeoutMs: 0,
  perTryIdleTimeoutMs: 0,
  omits: [],
  leavesPrioritiesAfter: 0,
  onConnectFailure: true,
  onRefusedStream: true,
  onReset: true,
  onResetBeforeRequest: false,
  onGatewayError: false,
  on5xx: false,
  statusCodes: [503],
  grpcStatuses: 0,
  headers: [],
  requestHeaders: [],
  baseIntervalMs: 25,
  maxIntervalMs: 250,
  resetHeaders: [],
  maxResetMs: 0,
};

export function idOf(account: string): string {
  return `spiffe://${TRUST_DOMAIN}/ns/shop/sa/${account}`;
}

export function snapshotOf(parts: {
  readonly listeners?: readonly ListenerConfig[];
  readonly routes?: readonly RouteTable[];
  readonly clusters?: readonly ClusterConfig[];
}): Snapshot {
  return {
    listeners: byName(parts.listeners ?? []),
    virtualHosts: new Map(),
    routes: byName(parts.routes ?? []),
    clusters: byName(parts.clusters ?? []),
    endpoints: new Map(),
    secrets: new Map(),
    bytes: new Map(),
  };
}

export function endpointAt(at: Address, parts: Partial<Endpoint> = {}): Endpoint {
  return {
    key: `${at.host}:${at.port}`,
    address: { kind: 'socket', host: at.host, port: at.port },
    weight: 1,
    priority: 0,
    locality: { region: '', zone: '', subZone: '' },
    health: 'healthy',
    check: DEFAULT_CHECK,
    hostname: '',
    workload: '',
    transportLabels: {},
    labels: {},
    ...parts,
  };
}

export function internalEndpoint(listener: string): Endpoint {
  const at = { host: 'internal', port: 0 };
  return endpointAt(at, { key: `internal:${listener}`, address: { kind: 'internal', listener } });
}

export function clusterOf(
  name: string,
  endpoints: readonly Endpoint[],
  parts: Partial<ClusterConfig> = {},
): ClusterConfig {
  return {
    name,
    statName: name,
    discovery: 'static',
    edsName: '',
    edsSource: ADS,
    inline: { name, endpoints, ...DEFAULT_SPREAD },
    connectTimeoutMs: 5_000,
    socket: null,
    announces: 0,
    balance: DEFAULT_BALANCE,
    outlier: null,
    healthCheck: null,
    dns: { refreshMs: 5_000, failure: null, family: 'auto' },
    hostCleanupMs: 5_000,
    originalPort: 0,
    closesOnHostChange: false,
    limits: {
      maxConnections: 1024,
      maxPending: 1024,
      maxRequests: 1024,
      maxRetries: 3,
      retryBudgetPercent: 20,
      minRetryConcurrency: 3,
    },
    transportMatches: [],
    transport: null,
    transportHash: '',
    protocol: 'http1',
    clearProtocol: 'http1',
    http2: HTTP2_DEFAULTS,
    idleTimeoutMs: 15_000,
    maxRequestsPerConnection: 0,
    maxConnectionDurationMs: 0,
    service: name,
    origin: '',
    ...parts,
  };
}

const MESH_SETTINGS: TlsSettings = {
  certificate: { name: 'default', source: null },
  validation: { name: 'trust-bundle', source: ADS },
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  extras: null,
};

export function meshTls(accounts: readonly string[], alpn = 'http/1.1'): UpstreamTls {
  return {
    ...MESH_SETTINGS,
    serverName: `catalog.shop.mesh.${TRUST_DOMAIN}`,
    alpn: [alpn],
    peerIds: accounts.map((account) => ({ san: 'uri', kind: 'exact', value: idOf(account), regex: null })),
  };
}

export function forward(
  clusters: readonly WeightedCluster[] | string,
  parts: Partial<ForwardAction> = {},
): ForwardAction {
  const list = typeof clusters === 'string' ? [{ name: clusters, weight: 1, subset: null, header: null }] : clusters;
  return {
    kind: 'forward',
    clusters: list,
    totalWeight: list.reduce((sum, { weight }) => sum + weight, 0),
    timeoutMs: 0,
    retry: null,
    upgrades: [],
    barredUpgrades: [],
    connect: false,
    notFoundStatus: 503,
    idleTimeoutMs: null,
    maxDurationMs: null,
    maxGrpcTimeoutMs: 0,
    grpcTimeoutOffsetMs: 0,
    hedge: null,
    hash: [],
    path: null,
    host: null,
    forwardsHost: false,
    countsTries: false,
    tellsTries: false,
    maxReplayBytes: 65_536,
    mirrors: [],
    ...parts,
  };
}

/** Routes by path prefix, in this order, for every host. */
export function routesOf(name: string, actions: Readonly<Record<string, RouteEntry['action']>>): RouteTable {
  const any = Object.entries(actions).map(([prefix, action], id): RouteEntry => {
    const connect = prefix === 'CONNECT';
    return {
      id,
      info: { name: `${name} ${prefix}`, virtualHost: 'all', origin: '' },
      match: {
        path: { kind: 'prefix', value: Buffer.from(connect ? '' : prefix) },
        headers: [],
        query: [],
        connect,
        fraction: 1,
      },
      action,
      overrides: [],
      mark: null,
      edits: null,
      split: null,
    };
  });
  return compileRoutes({
    name,
    hosts: [{ name: 'all', domains: ['*'], routes: any, requiresTls: false }],
    ignorePort: true,
    onDemand: false,
  });
}

export function httpManager(routes: string | RouteTable, parts: Partial<HttpManager> = {}): HttpManager {
  return {
    kind: 'http',
    routesSource: ADS,
    codec: 'auto',
    http2: HTTP2_DEFAULTS,
    statPrefix: 'http',
    routes,
    filters: [],
    demandMs: 0,
    clustersOnDemand: false,
    upgrades: [],
    forwardClientCert: 'set',
    screening: null,
    origin: null,
    headersTimeoutMs: 60_000,
    idleTimeoutMs: 3_600_000,
    maxConnectionDurationMs: 0,
    maxRequestsPerConnection: 0,
    maxStreamDurationMs: 0,
    streamIdleTimeoutMs: 300_000,
    maxHeadBytes: 61_440,
    maxFields: 100,
    accessLogs: null,
    traceShare: 1,
    drainTimeoutMs: 5_000,
    ...parts,
  };
}

export function tcpProxy(cluster: string, parts: Partial<TcpProxy> = {}): TcpProxy {
  return {
    kind: 'tcp',
    statPrefix: 'tcp',
    clusters: [{ name: cluster, weight: 1, subset: null, header: null }],
    demandMs: 0,
    hashesSource: false,
    idleTimeoutMs: 3_600_000,
    accessLogs: null,
    ...parts,
  };
}

export function chainOf(
  network: HttpManager | TcpProxy,
  match: Partial<FilterChain['match']> = {},
  tls: DownstreamTls | null = null,
): FilterChain {
  const any = {
    serverNames: [],
    transportProtocol: '' as const,
    applicationProtocols: [],
    destinationPort: 0,
    addresses: null,
  };
  return { name: network.kind, match: { ...any, ...match }, tls, filters: [], network };
}

/** A chain of mTLS, chosen by its ALPN. */
export function mtlsChain(network: HttpManager | TcpProxy, alpn: string): FilterChain {
  const tls: DownstreamTls = {
    ...MESH_SETTINGS,
    requireClientCertificate: true,
    alpn: [alpn],
    peerIds: [],
  };
  return chainOf(network, { transportProtocol: 'tls', applicationProtocols: [alpn] }, tls);
}

export function listenerOf(
  name: string,
  address: Address | null,
  chains: readonly FilterChain[],
  parts: Partial<ListenerConfig> = {},
): ListenerConfig {
  return {
    name,
    address,
    direction: name.startsWith('inbound') ? 'inbound' : 'outbound',
    chains,
    defaultChain: null,
    moreAddresses: [],
    isBound: true,
    arrival: null,
    inspectTls: true,
    inspectHttp: true,
    inspectTimeoutMs: 100,
    continueOnInspectTimeout: true,
    origin: '',
    ...parts,
  };
}

function byName<T extends { readonly name: string }>(entries: readonly T[]): ReadonlyMap<string, T> {
  return new Map(entries.map((entry) => [entry.name, entry]));
}
