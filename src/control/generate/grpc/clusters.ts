/** Clusters for gRPC clients: one for each port of a Service, with the transport that its endpoints take. */
import { create } from '@bufbuild/protobuf';
import { originOf } from '../../../api/origin.ts';
import type { View } from '../../../api/reader.ts';
import { policyKinds } from '../../../policies/all.ts';
import type { ClusterDraft } from '../../../policies/policy-kind.ts';
import {
  type Cluster,
  Cluster_DiscoveryType,
  ClusterSchema,
} from '../../../protos/gen/envoy/config/cluster/v3/cluster_pb.ts';
import { MetadataSchema, TransportSocketSchema } from '../../../protos/gen/envoy/config/core/v3/base_pb.ts';
import { ConfigSourceSchema } from '../../../protos/gen/envoy/config/core/v3/config_source_pb.ts';
import { TYPE_URLS, type XdsResource } from '../../../xds/resource.ts';
import { meshSettings } from '../mesh-settings.ts';
import { hostOf, INVALID_BACKEND, serverName, type ServicePortKey } from '../names.ts';
import { metadata, originText } from '../origin.ts';
import { resourceOf, sameResource } from '../resource.ts';
import { servicePortFacts } from '../service-port.ts';
import { ADS } from '../tls.ts';
import { narrowCluster } from './balance.ts';
import { grpcName } from './names.ts';
import { upstreamTls } from './tls.ts';
import { callsOverMtls } from './transport.ts';

export const grpcCluster: View<ServicePortKey, XdsResource | null> = {
  name: 'grpc-cluster',
  id: grpcName,
  derive(read, key) {
    const facts = read.view(servicePortFacts, key);
    if (facts === null) return null;
    const origin = originOf(facts.service);
    const written = edsCluster(grpcName(key));
    const about = metadata({ service: hostOf(key), origin: originText(origin) });
    written.metadata = create(MetadataSchema, about);
    const origins = [origin];
    const port = { ...key, portName: facts.portName };
    const draft: ClusterDraft = { message: written, port, carries: 'http2', proxyless: facts.proxyless, origins };
    for (const kind of policyKinds) kind.cluster?.(draft, read);
    const message = narrowCluster(written);
    // No proxy counts these calls: the client tells how they went (LRS).
    message.lrsServer = create(ConfigSourceSchema, SELF);
    if (read.view(callsOverMtls, key)) {
      const { trustDomain } = read.view(meshSettings, null);
      const socket = upstreamTls(serverName(key, trustDomain), facts.identities);
      message.transportSocket = create(TransportSocketSchema, socket);
    }
    return resourceOf(TYPE_URLS.cluster, message.name, ClusterSchema, message, origins);
  },
  same: sameResource,
};

const SELF = { configSourceSpecifier: { case: 'self', value: {} } } as const;

/**
 * Where a share goes whose backend cannot be used: calls fail with UNAVAILABLE, as Gateway API asks of gRPC. Sidecars name
 * a cluster that does not exist; a gRPC client would wait 15 s for it, and some of them with all their calls.
 */
export const INVALID_CLUSTER: XdsResource = resourceOf(
  TYPE_URLS.cluster,
  INVALID_BACKEND,
  ClusterSchema,
  narrowCluster(edsCluster(INVALID_BACKEND)),
  [],
);

function edsCluster(name: string): Cluster {
  return create(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: ADS, serviceName: name },
  });
}
