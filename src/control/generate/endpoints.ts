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
import { socketAddress } from './listeners/socket-address.ts';
import { resourceOf, sameResource } from './resource.ts';
import { type Backing, servicePort } from './service-port.ts';
import { isUnguarded } from './unguarded.ts';

/** Endpoint metadata that clusters choose the transport by (Envoy: `envoy.transport_socket_match`). */
export const TRANSPORT_METADATA = 'envoy.transport_socket_match';
export const MESH_TRANSPORT = { tls: 'mesh' } as const;
/** A gRPC server that is its own data plane: mTLS too, but it knows no ALPN besides `h2`. */
export const PROXYLESS_TRANSPORT = { tls: 'h2' } as const;

export const NOWHERE: Locality = { region: '', zone: '' };

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
    const ready = view.backing.filter(
      ({ workload, port }) => takesTraffic(workload) && !isUnguarded(read, workload, port),
    );
    const groups = localityGroups(ready, (backing) => ({
      metadata: endpointMetadata(backing, inboundMode(read, backing.workload, backing.port.port) !== 'disabled'),
    }));
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

type LocalityInit = MessageInitShape<typeof LocalityLbEndpointsSchema>;
type LbEndpointInit = NonNullable<LocalityInit['lbEndpoints']>[number];

/** In a stable order. `about`: what is said of an endpoint besides its address. */
export function localityGroups(
  backing: readonly Backing[],
  about: (each: Backing) => Pick<LbEndpointInit, 'metadata'>,
): LocalityInit[] {
  const localities = new Map<string, Backing[]>();
  for (const each of backing) {
    const { region = '', zone = '' } = each.workload.spec?.locality ?? {};
    const id = `${region}/${zone}`;
    localities.set(id, [...(localities.get(id) ?? []), each]);
  }
  return [...localities.keys()].toSorted().map((id): LocalityInit => {
    const members = localities.get(id) ?? [];
    const [region = '', zone = ''] = id.split('/');
    return {
      locality: { region, zone },
      // A locality without a weight is dropped silently by gRPC clients.
      loadBalancingWeight: members.length,
      lbEndpoints: members.map((each) => {
        const { address, port } = addressOf(each);
        return {
          loadBalancingWeight: 1,
          ...about(each),
          hostIdentifier: { case: 'endpoint', value: { address: socketAddress(address, port) } },
        };
      }),
    };
  });
}

/** Where peers reach a workload's port: its proxy, or where it has none the application. */
export function addressOf({ workload, port }: Backing): { readonly address: string; readonly port: number } {
  return { address: workload.spec?.address ?? '', port: port.proxyPort ?? port.port };
}

function endpointMetadata(backing: Backing, mutualTls: boolean) {
  const { workload, port } = backing;
  const facts = metadata({ workload: workload.metadata.name, version: versionOf(workload) });
  if (!mutualTls) return facts;
  if (workload.spec?.proxy === 'grpc') facts.filterMetadata[TRANSPORT_METADATA] = { ...PROXYLESS_TRANSPORT };
  else if (port.proxyPort !== undefined) facts.filterMetadata[TRANSPORT_METADATA] = { ...MESH_TRANSPORT };
  return facts;
}

/** A record without a lease is as static as its file: it serves unless it says that it does not. */
export function takesTraffic(workload: Workload): boolean {
  return isLeased(workload) ? workload.status?.ready === true : workload.status?.ready !== false;
}

export function versionOf(workload: Workload): string {
  return workload.spec?.version ?? workload.metadata.labels?.['version'] ?? '';
}
