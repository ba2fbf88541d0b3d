/**
 * Endpoints as Envoy tells them are not those that it was sent, but what became of them: with the health that it found,
 * defaults written out, and no version. What was sent is compared with that by what matters.
 */
import { isMessage, type Message, toJson } from '@bufbuild/protobuf';
import { LbEndpointSchema } from '../../protos/gen/envoy/config/endpoint/v3/endpoint_components_pb.ts';
import {
  type ClusterLoadAssignment,
  ClusterLoadAssignmentSchema,
} from '../../protos/gen/envoy/config/endpoint/v3/endpoint_pb.ts';
import { HealthStatus } from '../../protos/gen/envoy/config/core/v3/health_check_pb.ts';

/** False for anything but two assignments. */
export function sameAssignment(a: Message, b: Message): boolean {
  if (!isMessage(a, ClusterLoadAssignmentSchema) || !isMessage(b, ClusterLoadAssignmentSchema)) return false;
  const [left, right] = [factsOf(a), factsOf(b)];
  return left.length === right.length && left.every((fact, index) => fact === right[index]);
}

/** One text an endpoint, in no order. */
function factsOf({ endpoints }: ClusterLoadAssignment): string[] {
  const facts = endpoints.flatMap(({ lbEndpoints, locality, priority }) =>
    lbEndpoints.map((endpoint) => {
      const { region = '', zone = '', subZone = '' } = locality ?? {};
      const isUp = endpoint.healthStatus === HealthStatus.UNKNOWN || endpoint.healthStatus === HealthStatus.HEALTHY;
      const plain = { ...endpoint, healthStatus: isUp ? HealthStatus.UNKNOWN : endpoint.healthStatus };
      return JSON.stringify([
        priority,
        [region, zone, subZone],
        toJson(LbEndpointSchema, { ...plain, loadBalancingWeight: endpoint.loadBalancingWeight ?? 1 }),
      ]);
    }),
  );
  return facts.toSorted();
}
