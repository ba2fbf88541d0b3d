/** Clusters as rows, and the endpoints of one. */
import {
  type Cluster,
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
} from '../../../protos/gen/envoy/config/cluster/v3/cluster_pb.ts';
import { HealthStatus } from '../../../protos/gen/envoy/config/core/v3/health_check_pb.ts';
import type { LbEndpoint } from '../../../protos/gen/envoy/config/endpoint/v3/endpoint_components_pb.ts';
import type { ClusterLoadAssignment } from '../../../protos/gen/envoy/config/endpoint/v3/endpoint_pb.ts';
import { addressText } from './address-text.ts';

export const CLUSTER_COLUMNS = ['CLUSTER', 'TYPE', 'BALANCING', 'TLS', 'ENDPOINTS OF'] as const;
export const ENDPOINT_COLUMNS = [
  'ENDPOINTS',
  'ADDRESS',
  'WORKLOAD',
  'WEIGHT',
  'PRIORITY',
  'LOCALITY',
  'HEALTH',
  'TLS',
] as const;

const TLS = 'envoy.transport_sockets.tls';

export function clusterRow(cluster: Cluster): string[] {
  return [
    cluster.name,
    typeText(cluster),
    nameIn(Cluster_LbPolicy, cluster.lbPolicy),
    tlsText(cluster),
    cluster.edsClusterConfig?.serviceName ?? (cluster.edsClusterConfig === undefined ? 'itself' : cluster.name),
  ];
}

function typeText({ clusterDiscoveryType: type }: Cluster): string {
  if (type.case === 'clusterType') return type.value.name.slice(type.value.name.lastIndexOf('.') + 1);
  return nameIn(Cluster_DiscoveryType, type.value ?? Cluster_DiscoveryType.STATIC);
}

function tlsText({ transportSocket, transportSocketMatches }: Cluster): string {
  const names = transportSocketMatches.map(({ transportSocket: socket }) => socket?.name);
  if (names.includes(TLS)) return names.some((name) => name !== TLS) ? 'by endpoint' : 'TLS';
  return transportSocket?.name === TLS ? 'TLS' : '';
}

export function endpointRows({ clusterName, endpoints }: ClusterLoadAssignment): string[][] {
  return endpoints.flatMap(({ locality, lbEndpoints, priority }) => {
    const { region = '', zone = '', subZone = '' } = locality ?? {};
    const place = [region, zone, subZone].filter((part) => part !== '').join('/');
    return lbEndpoints.map((endpoint) => [
      clusterName,
      endpoint.hostIdentifier.case === 'endpoint' ? addressText(endpoint.hostIdentifier.value.address) : '',
      metadataText(endpoint, 'weft.mesh', 'workload'),
      String(endpoint.loadBalancingWeight ?? 1),
      String(priority),
      place,
      endpoint.healthStatus === HealthStatus.UNKNOWN ? '' : nameIn(HealthStatus, endpoint.healthStatus),
      Object.keys(endpoint.metadata?.filterMetadata['envoy.transport_socket_match'] ?? {}).length > 0 ? 'mTLS' : '',
    ]);
  });
}

function metadataText({ metadata }: LbEndpoint, space: string, key: string): string {
  const value = metadata?.filterMetadata[space]?.[key];
  return typeof value === 'string' ? value : '';
}

/** `least request` of LEAST_REQUEST. */
function nameIn(values: Readonly<Record<string, number>>, value: number): string {
  const [name = ''] = Object.entries(values).find((entry) => entry[1] === value) ?? [];
  return name.toLowerCase().replaceAll('_', ' ');
}
