/** ClusterLoadAssignments: the ready workloads behind one port of a Service, shared by all its clusters. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { originOf } from '../../api/origin.ts';
import type { Reader, View } from '../../api/reader.ts';
import type { Workload } from '../../api/kinds/workload.ts';
import { policyKinds } from '../../policies/all.ts';
import { dependsOnCaller } from '../../policies/backend-traffic/compile/locality.ts';
import type { Locality } from '../../policies/policy-kind.ts';
import { ClusterLoadAssignmentSchema } from '../../protos/gen/envoy/config/endpoint/v3/endpoint_pb.ts';
import type { LocalityLbEndpointsSchema } from '../../protos/gen/envoy/config/endpoint/v3/endpoint_components_pb.ts';
import { TYPE_URLS, type XdsResource } from '../../xds/resource.ts';
import { isLeased } from '../sources/workload-records.ts';
import { endpointsName, type ServicePortKey } from './names.ts';
import { metadata } from './origin.ts';
import { inboundMode } from './peer-mode.ts';
import { resourceOf, sameResource } from './resource.ts';
import { type Backing, servicePort } from './service-port.ts';

/** Endpoint metadata that clusters choose the transport by (Envoy: `envoy.transport_socket_match`). */
export const TRANSPORT_METADATA = 'envoy.transport_socket_match';
export const MESH_TRANSPORT = { tls: 'mesh' } as const;

const NOWHERE: Locality = { region: '', zone: '' };

export interface EndpointsKey extends ServicePortKey {
  /** Where the callers are; null: it makes no difference. */
  readonly caller: Locality | null;
}

/** Callers of all localities share the endpoints of a port, unless a policy tells them apart. */
export function endpointsKey(read: Reader, key: ServicePortKey, portName: string, caller: Locality): EndpointsKey {
  return { ...key, caller: dependsOnCaller(read, { ...key, portName }) ? caller : null };
}

export const endpoints: View<EndpointsKey, XdsResource | null> = {
  name: 'endpoints',
  id: (key) => `${endpointsName(key)}${key.caller === null ? '' : ` from ${key.caller.region}/${key.caller.zone}`}`,
  derive(read, key) {
    const view = read.view(servicePort, key);
    if (view === null) return null;
    const ready = view.backing.filter(({ workload }) => takesTraffic(workload));
    const localities = new Map<string, Backing[]>();
    for (const backing of ready) {
      const { region = '', zone = '' } = backing.workload.spec?.locality ?? {};
      const id = `${region}/${zone}`;
      localities.set(id, [...(localities.get(id) ?? []), backing]);
    }
    const groups = [...localities.keys()].toSorted().map((id): MessageInitShape<typeof LocalityLbEndpointsSchema> => {
      const members = localities.get(id) ?? [];
      const [region = '', zone = ''] = id.split('/');
      return {
        locality: { region, zone },
        // A locality without a weight is dropped silently by gRPC clients.
        loadBalancingWeight: members.length,
        lbEndpoints: members.map((backing) => ({
          loadBalancingWeight: 1,
          metadata: endpointMetadata(backing, inboundMode(read, backing.workload, backing.port.port) !== 'disabled'),
          hostIdentifier: {
            case: 'endpoint',
            value: {
              address: {
                address: {
                  case: 'socketAddress',
                  value: {
                    address: backing.workload.spec?.address ?? '',
                    portSpecifier: { case: 'portValue', value: backing.port.proxyPort ?? backing.port.port },
                  },
                },
              },
            },
          },
        })),
      };
    });
    const name = endpointsName(key);
    const message = create(ClusterLoadAssignmentSchema, { clusterName: name, endpoints: groups });
    const port = { ...key, portName: view.portName };
    const caller = key.caller ?? NOWHERE;
    const origins = [originOf(view.service)];
    for (const kind of policyKinds) kind.assignment?.({ message, port, caller, origins }, read);
    return resourceOf(TYPE_URLS.endpoints, name, ClusterLoadAssignmentSchema, message, origins);
  },
  same: sameResource,
};

function endpointMetadata(backing: Backing, mutualTls: boolean) {
  const { workload, port } = backing;
  const facts = metadata({ workload: workload.metadata.name, version: versionOf(workload) });
  if (port.proxyPort !== undefined && mutualTls) facts.filterMetadata[TRANSPORT_METADATA] = { ...MESH_TRANSPORT };
  return facts;
}

/** A record without a lease is as static as its file: it serves unless it says that it does not. */
function takesTraffic(workload: Workload): boolean {
  return isLeased(workload) ? workload.status?.ready === true : workload.status?.ready !== false;
}

function versionOf(workload: Workload): string {
  return workload.spec?.version ?? workload.metadata.labels?.['version'] ?? '';
}
