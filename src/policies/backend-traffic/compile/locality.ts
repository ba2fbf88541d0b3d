/** `locality` → the cluster's locality mode, and weights and priorities of its endpoints. */
import { create } from '@bufbuild/protobuf';
import type { Reader } from '../../../api/reader.ts';
import {
  type Cluster,
  Cluster_CommonLbConfigSchema,
  Cluster_CommonLbConfig_LocalityWeightedLbConfigSchema,
  Cluster_CommonLbConfig_ZoneAwareLbConfigSchema,
  type Cluster_CommonLbConfig,
} from '../../../protos/gen/envoy/config/cluster/v3/cluster_pb.ts';
import { ClusterLoadAssignment_PolicySchema } from '../../../protos/gen/envoy/config/endpoint/v3/endpoint_pb.ts';
import type { LocalityLbEndpoints } from '../../../protos/gen/envoy/config/endpoint/v3/endpoint_components_pb.ts';
import { PercentSchema } from '../../../protos/gen/envoy/type/v3/percent_pb.ts';
import type { AssignmentDraft, Locality, ServicePortRef } from '../../policy-kind.ts';
import type { BackendTrafficSpec } from '../kind.ts';
import { backendTraffic } from '../views.ts';

type LocalitySection = NonNullable<BackendTrafficSpec['locality']>;

export function spreadOverLocalities(cluster: Cluster, section: LocalitySection | undefined): void {
  if (section === undefined) return;
  const common = (cluster.commonLbConfig ??= create(Cluster_CommonLbConfigSchema));
  if (section.panicThresholdPercent !== undefined) {
    common.healthyPanicThreshold = create(PercentSchema, { value: section.panicThresholdPercent });
  }
  const specifier = localitySpecifier(section);
  if (specifier !== null) common.localityConfigSpecifier = specifier;
}

function localitySpecifier(section: LocalitySection): Cluster_CommonLbConfig['localityConfigSpecifier'] | null {
  switch (section.mode ?? 'Any') {
    case 'Weighted':
      return { case: 'localityWeightedLbConfig', value: create(Cluster_CommonLbConfig_LocalityWeightedLbConfigSchema) };
    case 'ZoneAware': {
      const { minimumEndpoints = 6, routingPercent = 100 } = section.zoneAware ?? {};
      const value = create(Cluster_CommonLbConfig_ZoneAwareLbConfigSchema, {
        minClusterSize: BigInt(minimumEndpoints),
        routingEnabled: { value: routingPercent },
      });
      return { case: 'zoneAwareLbConfig', value };
    }
    // Priorities stand at the endpoints.
    case 'Failover':
    case 'Any':
      return null;
  }
}

/** Whether the endpoints of a port differ by where the caller is. */
export function dependsOnCaller(read: Reader, port: ServicePortRef): boolean {
  return read.view(backendTraffic, port).sections.locality?.mode === 'Failover';
}

export function compileAssignment({ message, port, caller, origins }: AssignmentDraft, read: Reader): void {
  const { sections, origins: from } = read.view(backendTraffic, port);
  const section = sections.locality;
  if (section === undefined) return;
  if (from.locality !== undefined) origins.push(from.locality);
  if (section.overprovisioningPercent !== undefined) {
    const overprovisioningFactor = section.overprovisioningPercent;
    message.policy = create(ClusterLoadAssignment_PolicySchema, { overprovisioningFactor });
  }
  if (section.mode === 'Weighted') weigh(message.endpoints, section.weights ?? []);
  if (section.mode === 'Failover') prioritise(message.endpoints, caller);
}

function weigh(groups: readonly LocalityLbEndpoints[], weights: NonNullable<LocalitySection['weights']>): void {
  for (const group of groups) {
    const named = weights.find(
      ({ region = '', zone = '' }) => region === group.locality?.region && zone === group.locality.zone,
    );
    if (named !== undefined) group.loadBalancingWeight = named.weight;
  }
}

/** Without a gap: Envoy refuses priorities that leave out a number. */
function prioritise(groups: readonly LocalityLbEndpoints[], caller: Locality): void {
  const distances = groups.map((group) => distance(group, caller));
  const taken = [...new Set(distances)].toSorted((a, b) => a - b);
  groups.forEach((group, i) => (group.priority = taken.indexOf(distances[i] ?? 0)));
}

/** 0: the same zone, 1: the same region, 2: elsewhere. A caller that does not know where it is has no preference. */
function distance({ locality }: LocalityLbEndpoints, { region, zone }: Locality): 0 | 1 | 2 {
  if (region === '' && zone === '') return 0;
  if (locality?.region !== region) return 2;
  return locality.zone === zone ? 0 : 1;
}
