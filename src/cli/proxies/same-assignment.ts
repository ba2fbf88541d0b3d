/**
 * Endpoints as Envoy tells them are not those that it was sent, but what became of them: with the health that it found,
 * defaults written out, and no version. What was sent is compared with that by what matters.
 */
import { isDeepStrictEqual } from 'node:util';
import { isMessage, type Message, toJson } from '@bufbuild/protobuf';
import { MetadataSchema } from '../../protos/gen/envoy/config/core/v3/base_pb.ts';
import { HealthStatus } from '../../protos/gen/envoy/config/core/v3/health_check_pb.ts';
import type {
  LbEndpoint,
  LocalityLbEndpoints,
} from '../../protos/gen/envoy/config/endpoint/v3/endpoint_components_pb.ts';
import { ClusterLoadAssignmentSchema } from '../../protos/gen/envoy/config/endpoint/v3/endpoint_pb.ts';
import { addressText } from './rows/address-text.ts';

/** In whatever order. False for anything but two assignments. */
export function sameAssignment(a: Message, b: Message): boolean {
  if (!isMessage(a, ClusterLoadAssignmentSchema) || !isMessage(b, ClusterLoadAssignmentSchema)) return false;
  return isDeepStrictEqual(factsOf(a.endpoints), factsOf(b.endpoints));
}

function factsOf(groups: readonly LocalityLbEndpoints[]): object[] {
  const facts = groups.flatMap((group) => group.lbEndpoints.map((endpoint) => factOf(group, endpoint)));
  return facts.toSorted((a, b) => (a.address < b.address ? -1 : 1));
}

function factOf({ locality, priority }: LocalityLbEndpoints, endpoint: LbEndpoint) {
  const { hostIdentifier, metadata, loadBalancingWeight: weight = 1, healthStatus } = endpoint;
  const { region = '', zone = '', subZone = '' } = locality ?? {};
  return {
    address: hostIdentifier.case === 'endpoint' ? addressText(hostIdentifier.value.address) : '',
    place: [region, zone, subZone, priority],
    metadata: metadata === undefined ? {} : toJson(MetadataSchema, metadata),
    weight,
    // A proxy that found it well says so.
    health: healthStatus === HealthStatus.HEALTHY ? HealthStatus.UNKNOWN : healthStatus,
  };
}
