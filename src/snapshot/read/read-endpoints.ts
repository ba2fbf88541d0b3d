/** ClusterLoadAssignment → EndpointSet. Throws a WeftError with the field path. */
import type {
  ClusterLoadAssignment,
  Endpoint as EndpointMessage,
  LbEndpoint,
  Locality as LocalityMessage,
} from '../../xds/tables/messages.gen.ts';
import { HealthStatus } from '../../xds/tables/messages.gen.ts';
import { ClusterLoadAssignmentTable } from '../../xds/tables/tables.gen.ts';
import { DEFAULT_SPREAD, type SpreadPolicy } from '../balance-config.ts';
import { DEFAULT_CHECK, type EndpointCheck } from '../health-check-config.ts';
import { keyOf } from '../endpoint-key.ts';
import type { Endpoint, EndpointSet, Locality } from '../snapshot.ts';
import { readEndpointAddress } from './address.ts';
import { decodeConfig } from './decode-config.ts';
import { readFraction } from '../../xds/fraction.ts';
import { hostLabels, transportLabels, weftText } from './metadata.ts';
import { invalid, refuseSet } from './problem.ts';

/** Envoy's bound (`LocalityLbEndpoints.priority`). */
const MAX_PRIORITY = 128;

/** By HealthStatus: UNKNOWN counts as healthy, TIMEOUT as unhealthy. */
const HEALTH_BY_STATUS: Readonly<Record<number, Endpoint['health']>> = {
  [HealthStatus.UNKNOWN]: 'healthy',
  [HealthStatus.HEALTHY]: 'healthy',
  [HealthStatus.DEGRADED]: 'degraded',
  [HealthStatus.DRAINING]: 'draining',
};

export function readEndpoints(bytes: Uint8Array): EndpointSet {
  return readAssignment('', decodeConfig(ClusterLoadAssignmentTable, bytes), false);
}

/** `names`: hosts may be DNS names, as in an inline assignment of a strict-dns cluster. An address that comes twice counts once. */
export function readAssignment(where: string, message: ClusterLoadAssignment, names: boolean): EndpointSet {
  const at = where === '' ? '' : `${where}.`;
  if (message.clusterName === '') throw invalid(`${at}cluster_name`, 'required');
  refuseSet(`${at}policy.endpoint_stale_after`, message.policy?.endpointStaleAfter);
  const byKey = new Map<string, Endpoint>();
  message.endpoints.forEach((group, i) => {
    if (group.priority > MAX_PRIORITY) throw invalid(`${at}endpoints[${i}].priority`, `at most ${MAX_PRIORITY}`);
    const locality = readLocality(group.locality);
    group.lbEndpoints.forEach((member, j) => {
      const endpoint = readEndpoint(`${at}endpoints[${i}].lb_endpoints[${j}]`, member, locality, group.priority, names);
      if (!byKey.has(endpoint.key)) byKey.set(endpoint.key, endpoint);
    });
  });
  return { name: message.clusterName, endpoints: [...byKey.values()], ...readSpread(at, message) };
}

function readSpread(at: string, { policy, endpoints }: ClusterLoadAssignment): SpreadPolicy {
  const overprovisioningPercent = policy?.overprovisioningFactor ?? DEFAULT_SPREAD.overprovisioningPercent;
  if (overprovisioningPercent === 0) throw invalid(`${at}policy.overprovisioning_factor`, 'must be more than 0');
  return {
    overprovisioningPercent,
    weightedPriorityHealth: policy?.weightedPriorityHealth ?? false,
    localities: endpoints.map(({ locality, priority, loadBalancingWeight }) => ({
      ...readLocality(locality),
      priority,
      weight: loadBalancingWeight ?? 0,
    })),
    drops: (policy?.dropOverloads ?? []).map(({ category, dropPercentage }, i) => ({
      category,
      share: dropPercentage === undefined ? 0 : readFraction(`${at}policy.drop_overloads[${i}]`, dropPercentage),
    })),
  };
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
    health: HEALTH_BY_STATUS[message.healthStatus] ?? 'unhealthy',
    check: readCheck(`${where}.endpoint.health_check_config`, endpoint),
    hostname: endpoint.hostname,
    workload: weftText(message.metadata, 'workload'),
    transportLabels: transportLabels(message.metadata),
    labels: hostLabels(message.metadata),
  };
}

function readLocality(message: LocalityMessage | undefined): Locality {
  return { region: message?.region ?? '', zone: message?.zone ?? '', subZone: message?.subZone ?? '' };
}

function readCheck(where: string, endpoint: EndpointMessage): EndpointCheck {
  const { healthCheckConfig, hostname } = endpoint;
  refuseSet(`${where}.address`, healthCheckConfig?.address);
  const port = healthCheckConfig?.portValue ?? 0;
  if (port > 65_535) throw invalid(`${where}.port_value`, `${port} is not a port`);
  const disabled = healthCheckConfig?.disableActiveHealthCheck ?? false;
  const name = healthCheckConfig?.hostname || hostname;
  // One object for the many endpoints that say nothing.
  return port === 0 && name === '' && !disabled ? DEFAULT_CHECK : { port, hostname: name, disabled };
}
