/** ClusterLoadAssignments for gRPC clients: the ready endpoints of a port that its cluster's one transport can reach. */
import { create } from '@bufbuild/protobuf';
import { originOf } from '../../../api/origin.ts';
import type { View } from '../../../api/reader.ts';
import { policyKinds } from '../../../policies/all.ts';
import { ClusterLoadAssignmentSchema } from '../../../protos/gen/envoy/config/endpoint/v3/endpoint_pb.ts';
import { TYPE_URLS, type XdsResource } from '../../../xds/resource.ts';
import { addressOf, type EndpointsKey, localityGroups, NOWHERE, takesTraffic, versionOf } from '../endpoints.ts';
import { INVALID_BACKEND } from '../names.ts';
import { metadata } from '../origin.ts';
import { resourceOf, sameResource } from '../resource.ts';
import { type Backing, servicePort } from '../service-port.ts';
import { grpcName } from './names.ts';
import { callsOverMtls, takesMtls } from './transport.ts';
import { isUnguarded } from '../unguarded.ts';

export const grpcEndpoints: View<EndpointsKey, XdsResource | null> = {
  name: 'grpc-endpoints',
  id: (key) => `${grpcName(key)}${key.caller === null ? '' : ` from ${key.caller.region}/${key.caller.zone}`}`,
  derive(read, key) {
    const view = read.view(servicePort, key);
    if (view === null) return null;
    const overMtls = read.view(callsOverMtls, key);
    const ready = view.backing.filter(
      (each) =>
        takesTraffic(each.workload) &&
        takesMtls(read, each) === overMtls &&
        !isUnguarded(read, each.workload, each.port),
    );
    const groups = localityGroups(distinct(ready), ({ workload }) => ({
      metadata: metadata({ workload: workload.metadata.name, version: versionOf(workload) }),
    }));
    const name = grpcName(key);
    const message = create(ClusterLoadAssignmentSchema, { clusterName: name, endpoints: groups });
    const port = { ...key, portName: view.portName };
    const origins = [originOf(view.service)];
    for (const kind of policyKinds) kind.assignment?.({ message, port, caller: key.caller ?? NOWHERE, origins }, read);
    return resourceOf(TYPE_URLS.endpoints, name, ClusterLoadAssignmentSchema, message, origins);
  },
  same: sameResource,
};

export const NO_ENDPOINTS: XdsResource = resourceOf(
  TYPE_URLS.endpoints,
  INVALID_BACKEND,
  ClusterLoadAssignmentSchema,
  create(ClusterLoadAssignmentSchema, { clusterName: INVALID_BACKEND }),
  [],
);

/** Clients refuse an assignment that names an address twice, as it may for as long as a lost record's lease. */
function distinct(backing: readonly Backing[]): Backing[] {
  return [
    ...new Map(
      backing.map((each) => {
        const { address, port } = addressOf(each);
        return [`${address} ${port}`, each];
      }),
    ).values(),
  ];
}
