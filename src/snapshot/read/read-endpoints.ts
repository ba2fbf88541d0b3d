/** ClusterLoadAssignment → EndpointSet. Throws a WeftError with the field path. */
import type { ClusterLoadAssignment, LbEndpoint, Locality as LocalityMessage } from '../../xds/tables/messages.gen.ts';
import { HealthStatus } from '../../xds/tables/messages.gen.ts';
import { ClusterLoadAssignmentTable } from '../../xds/tables/tables.gen.ts';
import type { Endpoint, EndpointAddress, EndpointSet, Locality } from '../snapshot.ts';
import { readEndpointAddress } from './address.ts';
import { decodeConfig } from './decode-config.ts';
import { transportLabels, weftText } from './metadata.ts';
import { invalid, refuseSet } from './problem.ts';

export function readEndpoints(bytes: Uint8Array): EndpointSet {
  return readAssignment('', decodeConfig(ClusterLoadAssignmentTable, bytes), false);
}

/** `names`: hosts may be DNS names, as in an inline assignment of a strict-dns cluster. An address that comes twice counts once. */
export function readAssignment(where: string, message: ClusterLoadAssignment, names: boolean): EndpointSet {
  const at = where === '' ? '' : `${where}.`;
  if (message.clusterName === '') throw invalid(`${at}cluster_name`, 'required');
  refuseSet(`${at}policy.drop_overloads`, message.policy?.dropOverloads);
  const byKey = new Map<string, Endpoint>();
  message.endpoints.forEach((group, i) => {
    const locality = readLocality(group.locality);
    group.lbEndpoints.forEach((member, j) => {
      const endpoint = readEndpoint(`${at}endpoints[${i}].lb_endpoints[${j}]`, member, locality, group.priority, names);
      if (!byKey.has(endpoint.key)) byKey.set(endpoint.key, endpoint);
    });
  });
  return { name: message.clusterName, endpoints: [...byKey.values()] };
}

function readEndpoint(
  where: string,
  message: LbEndpoint,
  locality: Locality,
  priority: number,
  names: boolean,
): Endpoint {
  const endpoint = message.hostIdentifier.value;
  if (endpoint === undefined) throw invalid(`${where}.endpoint`, 'required');
  const address = readEndpointAddress(`${where}.endpoint.address`, endpoint.address, names);
  const weight = message.loadBalancingWeight ?? 1;
  if (weight === 0) throw invalid(`${where}.load_balancing_weight`, 'must be at least 1');
  return {
    key: keyOf(address),
    address,
    weight,
    priority,
    locality,
    healthy: isHealthy(message.healthStatus),
    workload: weftText(message.metadata, 'workload'),
    transportLabels: transportLabels(message.metadata),
  };
}

export function keyOf(address: EndpointAddress): string {
  if (address.kind === 'internal') return `internal:${address.listener}`;
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

function readLocality(message: LocalityMessage | undefined): Locality {
  return { region: message?.region ?? '', zone: message?.zone ?? '', subZone: message?.subZone ?? '' };
}

function isHealthy(status: number): boolean {
  return status === HealthStatus.UNKNOWN || status === HealthStatus.HEALTHY || status === HealthStatus.DEGRADED;
}
