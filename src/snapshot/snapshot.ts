/**
 * The configuration of one proxy as deeply immutable data, in the terms of xDS but read once into the form that the
 * request path wants. An entry whose version did not change is the same object in the next snapshot. Nothing is linked
 * across resources: a route names its cluster, a cluster names its endpoints.
 */
import type { AddressRange } from '../core/address-range.ts';
import type { Address, SocketOptions, TlsVersion } from '../core/runtime.ts';
import type { TextMatch } from '../http/match/text.ts';
import type { AccessLogConfig } from './access-log-config.ts';
import type { BalanceConfig, SpreadPolicy } from './balance-config.ts';
import type { DnsConfig } from './dns-config.ts';
import type { ShownMetadata } from './format/facts.ts';
import type { EndpointCheck, HealthCheckConfig } from './health-check-config.ts';
import type { LocalReplies } from './local-reply.ts';
import type { OutlierConfig } from './outlier-config.ts';
import type { ReceivedResource } from '../xds/client/received.ts';
import type { ResourceSource } from '../xds/client/resource-source.ts';
import type { HttpFilterConfig, RouteTable, VirtualHost, WeightedCluster } from './route-table.ts';

export interface Snapshot {
  readonly listeners: ReadonlyMap<string, ListenerConfig>;
  readonly routes: ReadonlyMap<string, RouteTable>;
  /** Those that came by themselves, by resource name. In use they are part of their table too. */
  readonly virtualHosts: ReadonlyMap<string, VirtualHost>;
  readonly clusters: ReadonlyMap<string, ClusterConfig>;
  readonly endpoints: ReadonlyMap<string, EndpointSet>;
  readonly secrets: ReadonlyMap<string, Secret>;
  /** As received, by type URL + ' ' + name: config dump and the copy on disk. */
  readonly bytes: ReadonlyMap<string, ReceivedResource>;
}

/** A secret by its name: of the agent beside us or of the bootstrap (`source` null), else asked for over SDS. */
export interface SecretName {
  readonly name: string;
  readonly source: ResourceSource | null;
}

/** A certificate with its key: in a mesh the agent's only, under a bootstrap what the resources say. */
export interface CertificateSecret {
  readonly name: string;
  /** PEM, leaf first. */
  readonly certificateChainPem: string;
  readonly privateKeyPem: string;
}

export type Secret = TrustBundle | CertificateSecret;

/** SDS validation context: roots. In a mesh the workload's own SVID never comes over xDS; its name is bound locally. */
export interface TrustBundle {
  readonly name: string;
  readonly pem: string;
  /** PEM of revocation lists; unset: none is looked at. */
  readonly crlPem?: string;
}

export interface ListenerConfig {
  readonly name: string;
  /** null: an internal listener, reached by name from another listener of this proxy (CONNECT). */
  readonly address: Address | null;
  /** Where it listens besides. */
  readonly moreAddresses: readonly Address[];
  /** False: it has no socket, and gets what another listener hands over to its address. */
  readonly isBound: boolean;
  /** What is done with a connection before anybody looks at what it carries; null: nothing. */
  readonly arrival: Arrival | null;
  readonly direction: 'inbound' | 'outbound';
  readonly chains: readonly FilterChain[];
  readonly defaultChain: FilterChain | null;
  /** Which evidence a match needs: without inspectors the first bytes are not waited for. */
  readonly inspectTls: boolean;
  readonly inspectHttp: boolean;
  /** How long the first bytes are waited for before the connection counts as server-speaks-first; ms. */
  readonly inspectTimeoutMs: number;
  /** What that timeout does: goes on with what is known, or closes the connection. */
  readonly continueOnInspectTimeout: boolean;
  /** Of connections, as they end. null or unset: none. */
  readonly accessLogs?: readonly AccessLogConfig[] | null;
  /** For formats; unset: none. */
  readonly metadata?: ShownMetadata | undefined;
  readonly origin: string;
}

export interface Arrival {
  /** The kernel is asked where the connection was going when it was redirected here. */
  readonly asksKernel: boolean;
  /** A connection that was going elsewhere goes to the listener of that address, if there is one. */
  readonly handsOver: boolean;
  readonly proxyHeader: ProxyHeaderConfig | null;
}

/** The connection begins with a header of the PROXY protocol, which tells of its ends. */
export interface ProxyHeaderConfig {
  /** One without a header is taken too: every client could then say that it is anybody. */
  readonly optional: boolean;
  readonly versions: readonly (1 | 2)[];
}

/** Matched as Envoy does: destination, SNI, transport, ALPN, then source; the most specific wins. Empty means any. */
export interface FilterChainMatch {
  readonly serverNames: readonly string[];
  readonly transportProtocol: '' | 'tls' | 'raw_buffer';
  /** TLS ALPN, or what the HTTP inspector found: `http/1.0`, `http/1.1`, `h2c`. */
  readonly applicationProtocols: readonly string[];
  readonly destinationPort: number;
  /** What it asks of addresses besides; null: nothing. */
  readonly addresses: AddressMatch | null;
}

/** Empty lists match any. */
export interface AddressMatch {
  readonly destination: readonly AddressRange[];
  /** Of whoever opened the connection to this proxy. */
  readonly directSource: readonly AddressRange[];
  /** `local`: from a loopback address or from the destination's own. */
  readonly sourceType: 'any' | 'local' | 'external';
  /** Of the caller, as a PROXY header may have told it. */
  readonly source: readonly AddressRange[];
  readonly sourcePorts: readonly number[];
}

export interface FilterChain {
  readonly name: string;
  readonly match: FilterChainMatch;
  readonly tls: DownstreamTls | null;
  /** Asked in order, after TLS and before anything is read. */
  readonly filters: readonly HttpFilterConfig[];
  readonly network: HttpManager | TcpProxy;
}

/** What both ends of TLS say. */
export interface TlsSettings {
  /** In a mesh `default`: the SVID that the agent beside us has. Null: none is presented. */
  readonly certificate: SecretName | CertificateSecret | null;
  /** Roots that the peer must come from; null: the peer is not verified. */
  readonly validation: SecretName | TrustBundle | null;
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  /** What most leave alone; null: nothing of it is set. */
  readonly extras: TlsExtras | null;
}

export interface TlsExtras {
  /** Of a server, after `certificate`: chosen by the name that the client asks for, then by the kind of key. */
  readonly moreCertificates: readonly (SecretName | CertificateSecret)[];
  /** A server's name that no certificate has gets any that suits the client, not the first. */
  readonly scansAll: boolean;
  readonly pins: PeerPins | null;
  readonly algorithms: TlsAlgorithms | null;
}

/** The peer's certificate or its key must be one of these: SHA-256, in hexadecimal and in base64. */
export interface PeerPins {
  readonly certificates: readonly string[];
  readonly keys: readonly string[];
}

/** By OpenSSL's names, the best first; empty: the runtime's own. */
export interface TlsAlgorithms {
  readonly cipherSuites: readonly string[];
  readonly curves: readonly string[];
  readonly signatures: readonly string[];
}

export interface DownstreamTls extends TlsSettings {
  readonly requireClientCertificate: boolean;
  readonly alpn: readonly string[];
  /** Accepted names; empty accepts every peer (of the trust domain, in a mesh) whose chain verifies. */
  readonly peerIds: readonly PeerIdMatch[];
}

/** One of the peer's alternative names must be this; in a mesh its one URI, exact or by prefix. */
export interface PeerIdMatch extends TextMatch {
  readonly san: 'uri' | 'dns';
}

/** What a connection of HTTP/2 may do; the codec's own bounds stand beside it (`http/h2/limits.ts`). */
export interface Http2Config {
  /** Streams at once that the peer may open (server), or that we open on one connection (client); 0: the codec's default. */
  readonly maxStreams: number;
  /** Receive window of a stream and of a connection, bytes; 0: the codec's default, which grows with use. */
  readonly streamWindowBytes: number;
  readonly connectionWindowBytes: number;
  /** Extended CONNECT (RFC 8441) is announced. */
  readonly allowConnect: boolean;
  /** A PING after this long without a byte, and how long its answer may take; 0: none. */
  readonly keepAliveIntervalMs: number;
  readonly keepAliveTimeoutMs: number;
}

export interface HttpManager {
  readonly kind: 'http';
  /** `auto`: by ALPN, in clear text by the first bytes. */
  readonly codec: 'auto' | 'http1' | 'http2';
  readonly http2: Http2Config;
  readonly statPrefix: string;
  /** Name of a RouteConfiguration, or the table itself when it came inline. */
  readonly routes: string | RouteTable;
  readonly routesSource: ResourceSource;
  readonly filters: readonly HttpFilterConfig[];
  /** How long a request waits for a virtual host that is asked for, ms; 0: none is asked for. */
  readonly demandMs: number;
  /** A cluster that is not there is asked for too, and waited for as long. */
  readonly clustersOnDemand: boolean;
  /** Protocols that a route may be upgraded to without saying so itself, lower case; `connect` among them accepts CONNECT. */
  readonly upgrades: readonly string[];
  /** `sanitize` drops x-forwarded-client-cert; `set` also writes it from the verified peer; `forward` leaves it alone. */
  readonly forwardClientCert: 'sanitize' | 'set' | 'forward';
  /** What is done to a request before anyone looks at it; null: nothing. */
  readonly screening: Screening | null;
  /** What requests are told of the way they came; null: nothing, as in a mesh. */
  readonly origin: OriginConfig | null;
  /** A head that is not complete in time; 0: unbounded. Default 60 s. */
  readonly headersTimeoutMs: number;
  /** Between exchanges on a downstream connection; 0: unbounded. Default 1 h. */
  readonly idleTimeoutMs: number;
  /** Age at which a downstream connection is asked to end; 0: unbounded. */
  readonly maxConnectionDurationMs: number;
  /** Requests after which a downstream connection is asked to end; 0: unbounded. */
  readonly maxRequestsPerConnection: number;
  /** Of an exchange, from its head to its last byte, where the route says nothing else; 0: unbounded. */
  readonly maxStreamDurationMs: number;
  /** Without a byte on a stream; 0: unbounded. Default 5 min. */
  readonly streamIdleTimeoutMs: number;
  readonly maxHeadBytes: number;
  readonly maxFields: number;
  /** null: none but the proxy's own. */
  readonly accessLogs: readonly AccessLogConfig[] | null;
  /** What becomes of our own answers; unset: they stay as they are. */
  readonly localReplies?: LocalReplies | undefined;
  /** Chance, 0–1, that a request which comes without a trace begins a sampled one. Default 1. */
  readonly traceShare: number;
  /** Between asking a downstream connection to end and ending it; default 5 s. */
  readonly drainTimeoutMs: number;
}

export interface Screening {
  readonly normalizesPath: boolean;
  readonly mergesSlashes: boolean;
  /** Of `%2F` and `%5C`; `redirect` and `forward` unescape them first. */
  readonly escapedSlashes: 'keep' | 'reject' | 'redirect' | 'forward';
  /** Of the authority: none, one that is the listener's own, or any. */
  readonly stripsPort: 'none' | 'matching' | 'any';
  /** Of field names. */
  readonly underscores: 'allow' | 'reject' | 'drop';
}

export interface OriginConfig {
  /** Clients connect here directly (`use_remote_address`): what they claim of their own way here is not believed. */
  readonly isEdge: boolean;
  /** The address that connected is added to `x-forwarded-for`. */
  readonly appendsAddress: boolean;
  /** An `x-request-id` that a client brings passes; else, on the edge, it is replaced. */
  readonly keepsRequestId: boolean;
}

export interface TcpProxy {
  readonly kind: 'tcp';
  readonly statPrefix: string;
  readonly clusters: readonly WeightedCluster[];
  /** How long a connection waits for a cluster that is not there and is asked for, ms; 0: it is not asked for. */
  readonly demandMs: number;
  /** The caller's address decides the host, where the cluster places by a hash. */
  readonly hashesSource: boolean;
  /** 0: unbounded. Default 1 h. */
  readonly idleTimeoutMs: number;
  /** null: none but the proxy's own. */
  readonly accessLogs: readonly AccessLogConfig[] | null;
}

export interface ClusterConfig {
  readonly name: string;
  /** In Envoy's statistics. */
  readonly statName: string;
  readonly discovery: 'eds' | 'static' | 'strict-dns' | 'original-dst' | 'dynamic-forward';
  /** EDS: the name of the assignment. */
  readonly edsName: string;
  readonly edsSource: ResourceSource;
  /** static and strict-dns: inline. */
  readonly inline: EndpointSet | null;
  readonly connectTimeoutMs: number;
  /** null: as the system makes connections. */
  readonly socket: SocketOptions | null;
  readonly balance: BalanceConfig;
  /** null: only connects that fail take a host out, for 500 ms, doubled up to 15 s. */
  readonly outlier: OutlierConfig | null;
  /** null: hosts are not asked. */
  readonly healthCheck: HealthCheckConfig | null;
  /** strict-dns only. */
  readonly dns: DnsConfig;
  /** original-dst and dynamic-forward: a host that nobody has used for so long is forgotten; defaults 5 s and 5 min. */
  readonly hostCleanupMs: number;
  /** original-dst: connects to this port whatever the destination's; 0: to that. */
  readonly originalPort: number;
  /** Connections are retired whenever a host joins or leaves (`close_connections_on_host_set_change`). */
  readonly closesOnHostChange: boolean;
  readonly limits: CircuitLimits;
  /** Chosen per endpoint: the first whose labels the endpoint's `transport` metadata contains, else `transport`. */
  readonly transportMatches: readonly TransportMatch[];
  readonly transport: UpstreamTls | null;
  /** The version of the PROXY header that connections begin with, before TLS; 0: none. */
  readonly announces: 0 | 1 | 2;
  /** Changes when connections made under the old configuration must not be used for new requests. */
  readonly transportHash: string;
  /** `http2`: with prior knowledge, or by an ALPN of which every name means HTTP/2. */
  readonly protocol: 'http1' | 'http2' | 'tcp';
  /** What endpoints of an `http2` cluster that are reached in clear text speak: without a sidecar in between, the application's own protocol. */
  readonly clearProtocol: 'http1' | 'http2';
  readonly http2: Http2Config;
  /** Between exchanges on a pooled connection; default 15 s, below common servers' keep-alive of 60 s and Node's 5 s is met by safe replay. */
  readonly idleTimeoutMs: number;
  /** Exchanges after which a connection is not used again; 0: unbounded. */
  readonly maxRequestsPerConnection: number;
  /** Age after which a connection is not used again; 0: unbounded. */
  readonly maxConnectionDurationMs: number;
  /** For formats; unset: none. */
  readonly metadata?: ShownMetadata | undefined;
  /** `source` and `destination` service for metrics, from the cluster's metadata; empty when unknown. */
  readonly service: string;
  readonly origin: string;
}

export interface CircuitLimits {
  readonly maxConnections: number;
  readonly maxPending: number;
  readonly maxRequests: number;
  readonly maxRetries: number;
  /** Share of active requests that may be retries, 0–100; null: no budget. */
  readonly retryBudgetPercent: number | null;
  readonly minRetryConcurrency: number;
}

export interface TransportMatch {
  readonly labels: Readonly<Record<string, string>>;
  readonly tls: UpstreamTls | null;
}

export interface UpstreamTls extends TlsSettings {
  readonly serverName: string;
  readonly alpn: readonly string[];
  /** The peer must carry one of these. In a mesh empty refuses every peer (fail closed), elsewhere the roots decide alone. */
  readonly peerIds: readonly PeerIdMatch[];
}

export interface EndpointSet extends SpreadPolicy {
  readonly name: string;
  readonly endpoints: readonly Endpoint[];
}

export interface Endpoint {
  /** Address as `host:port`, or `internal:NAME`: identity of the endpoint across updates. */
  readonly key: string;
  readonly address: EndpointAddress;
  readonly weight: number;
  readonly priority: number;
  readonly locality: Locality;
  /** `draining`: it has said that it leaves. */
  readonly health: 'healthy' | 'degraded' | 'unhealthy' | 'draining';
  readonly check: EndpointCheck;
  /** What it calls itself, or the name that it was found by; empty: none. */
  readonly hostname: string;
  /** The workload's name, from metadata, for logs. */
  readonly workload: string;
  readonly transportLabels: Readonly<Record<string, string>>;
  /** By which subsets of hosts are chosen (`envoy.lb`). */
  readonly labels: Readonly<Record<string, unknown>>;
}

export type EndpointAddress =
  | { readonly kind: 'socket'; readonly host: string; readonly port: number }
  | { readonly kind: 'internal'; readonly listener: string };

export interface Locality {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
}
