/** Cluster → ClusterConfig. Throws a WeftError with the field path. */
import type { Cluster as Message } from '../../xds/tables/messages.gen.ts';
import { Cluster_DiscoveryType } from '../../xds/tables/messages.gen.ts';
import { ClusterTable } from '../../xds/tables/tables.gen.ts';
import type { ClusterConfig, EndpointSet, TransportMatch } from '../snapshot.ts';
import { readCircuitLimits } from './circuit-limits.ts';
import { ADS, type ResourceSource } from '../../xds/client/resource-source.ts';
import { readSource } from './config-source.ts';
import { decodeConfig } from './decode-config.ts';
import { shownMetadata, textFields, weftText } from './metadata.ts';
import { invalid, refuseSet, unsupported } from './problem.ts';
import { readDns } from './dns-settings.ts';
import { readBalance } from './read-balance.ts';
import { readAssignment } from './read-endpoints.ts';
import { readHealthCheck } from './read-health-check.ts';
import { readOutlier } from './read-outlier.ts';
import { readSocketOptions } from './socket-options.ts';
import { MESH_TERMS, type Terms } from './terms.ts';
import { readUpstreamTls } from './tls-context.ts';
import { readUpstreamTransport } from './upstream-transport.ts';
import { readProtocol } from './upstream-protocol.ts';

const DYNAMIC_FORWARD = 'type.googleapis.com/envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig';
/** Envoy's default for `connect_timeout`. */
const CONNECT_MS = 5_000;
/** Envoy's defaults for `cleanup_interval` and for `host_ttl` of a DNS cache. */
const CLEANUP_MS = 5_000;
const FORWARD_CLEANUP_MS = 300_000;

export function readCluster(bytes: Uint8Array, terms: Terms = MESH_TERMS): ClusterConfig {
  const message = decodeConfig(ClusterTable, bytes);
  const discovery = readDiscovery(message);
  const { announces, tls: transport } = readUpstreamTransport('transport_socket', message.transportSocket, terms);
  const transportMatches = message.transportSocketMatches.map(
    (match, i): TransportMatch => ({
      labels: textFields(match.match ?? {}),
      tls: readUpstreamTls(`transport_socket_matches[${i}].transport_socket`, match.transportSocket, terms),
    }),
  );
  const transports = [transport, ...transportMatches.map((match) => match.tls)];
  const protocol = readProtocol(message, transports);
  const socket = readSocketOptions(message);
  return {
    name: message.name,
    // In the names of statistics a colon parts nothing, as in Envoy.
    statName: (message.altStatName || message.name).replaceAll(':', '_'),
    discovery,
    edsName: discovery === 'eds' ? message.edsClusterConfig?.serviceName || message.name : '',
    edsSource: discovery === 'eds' ? readEdsSource(message) : ADS,
    inline: readInline(message, discovery),
    connectTimeoutMs: message.connectTimeout ?? CONNECT_MS,
    socket,
    balance: readBalance(message, discovery),
    outlier: readOutlier('outlier_detection', message.outlierDetection),
    healthCheck: readHealthCheck('health_checks', message.healthChecks),
    dns: readDns(message),
    hostCleanupMs: readCleanup(message, discovery),
    originalPort: readOriginalPort(message),
    closesOnHostChange: message.commonLbConfig?.closeConnectionsOnHostSetChange ?? false,
    limits: readCircuitLimits('circuit_breakers', message.circuitBreakers),
    transportMatches,
    transport,
    announces,
    transportHash: JSON.stringify(
      [
        announces,
        transport,
        transportMatches,
        protocol.protocol,
        protocol.clearProtocol,
        protocol.http2,
        socket,
        // What a connection of HTTP/2 was opened with.
        protocol.protocol === 'http2' ? protocol.idleTimeoutMs : 0,
      ],
      // An inline certificate has its digest for a name.
      (key, value: unknown) => (key === 'privateKeyPem' ? undefined : value),
    ),
    ...protocol,
    metadata: shownMetadata(message.metadata),
    service: weftText(message.metadata, 'service'),
    origin: weftText(message.metadata, 'origin'),
  };
}

function readDiscovery(message: Message): ClusterConfig['discovery'] {
  const type = message.clusterDiscoveryType;
  if (type.case === 'clusterType') {
    if (type.value.typedConfig?.typeUrl === DYNAMIC_FORWARD) return 'dynamic-forward';
    throw unsupported(
      'cluster_type',
      `no cluster of this proxy reads ${type.value.typedConfig?.typeUrl ?? type.value.name}`,
    );
  }
  switch (type.value ?? Cluster_DiscoveryType.STATIC) {
    case Cluster_DiscoveryType.STATIC:
      return 'static';
    case Cluster_DiscoveryType.STRICT_DNS:
    // One address at a time keeps connections of Envoy's together; ours go to every address that a name has.
    case Cluster_DiscoveryType.LOGICAL_DNS:
      return 'strict-dns';
    case Cluster_DiscoveryType.EDS:
      return 'eds';
    case Cluster_DiscoveryType.ORIGINAL_DST:
      return 'original-dst';
    default:
      throw unsupported('type');
  }
}

function readEdsSource(message: Message): ResourceSource {
  return readSource('eds_cluster_config.eds_config', message.edsClusterConfig?.edsConfig);
}

function readInline(message: Message, discovery: ClusterConfig['discovery']): EndpointSet | null {
  if (discovery !== 'static' && discovery !== 'strict-dns') {
    refuseSet('load_assignment', message.loadAssignment);
    return null;
  }
  if (message.loadAssignment === undefined) throw invalid('load_assignment', 'required');
  return readAssignment('load_assignment', message.loadAssignment, discovery === 'strict-dns');
}

function readCleanup({ cleanupInterval }: Message, discovery: ClusterConfig['discovery']): number {
  if (discovery !== 'original-dst') return FORWARD_CLEANUP_MS;
  if (cleanupInterval !== undefined && cleanupInterval < 1) throw invalid('cleanup_interval', 'must be at least 1 ms');
  return cleanupInterval ?? CLEANUP_MS;
}

/** Only the connection says where it was meant to go: what a request could say, its sender would choose. */
function readOriginalPort({ lbConfig }: Message): number {
  if (lbConfig.case !== 'originalDstLbConfig') return 0;
  const { useHttpHeader, httpHeaderName, upstreamPortOverride = 0, metadataKey } = lbConfig.value;
  refuseSet('original_dst_lb_config.use_http_header', useHttpHeader);
  refuseSet('original_dst_lb_config.http_header_name', httpHeaderName);
  refuseSet('original_dst_lb_config.metadata_key', metadataKey);
  if (upstreamPortOverride > 65_535) {
    throw invalid('original_dst_lb_config.upstream_port_override', `${upstreamPortOverride} is not a port`);
  }
  return upstreamPortOverride;
}
