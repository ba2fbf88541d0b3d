/**
 * Clusters: up to three for each port of a Service (they differ in the ALPN of the hop, which says what the application
 * behind it speaks), one that leads a CONNECT back into protocol detection, and the ways to hosts outside of the mesh.
 */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { originOf } from '../../api/origin.ts';
import type { View } from '../../api/reader.ts';
import {
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  Cluster_LbPolicy,
  ClusterSchema,
} from '../../protos/gen/envoy/config/cluster/v3/cluster_pb.ts';
import type { AddressSchema } from '../../protos/gen/envoy/config/core/v3/address_pb.ts';
import { MetadataSchema } from '../../protos/gen/envoy/config/core/v3/base_pb.ts';
import { ClusterConfigSchema } from '../../protos/gen/envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster_pb.ts';
import { connectTimeout, http1Options, http2Options } from '../../policies/backend-traffic/compile/connection.ts';
import { circuitBreakers } from '../../policies/backend-traffic/compile/limits.ts';
import { policyKinds } from '../../policies/all.ts';
import { TYPE_URLS, type XdsResource } from '../../xds/resource.ts';
import { MESH_TRANSPORT, PROXYLESS_TRANSPORT } from './endpoints.ts';
import { meshSettings } from './mesh-settings.ts';
import {
  type Carries,
  type ClusterKey,
  clusterName,
  connectName,
  endpointsName,
  type HttpVersion,
  hostOf,
  inboundName,
  outboundName,
  serverName,
  type ServicePortKey,
  statName,
} from './names.ts';
import { metadata, originText } from './origin.ts';
import { durationOf, pack } from '../../protos/init.ts';
import { resourceOf, sameResource } from './resource.ts';
import { type ServicePortFacts, servicePortFacts } from './service-port.ts';
import { ADS, ALPN, plaintext, upstreamTls } from './tls.ts';

const CONNECT_TIMEOUT = connectTimeout();
const LIMITS = circuitBreakers();
/** How long a proxy waits for an assignment before it goes on without. */
const INITIAL_FETCH_TIMEOUT = durationOf(5_000);

type ClusterInit = MessageInitShape<typeof ClusterSchema>;

export const serviceCluster: View<ClusterKey, XdsResource | null> = {
  name: 'cluster',
  id: ({ carries, hop, ...key }) =>
    carries === 'connect' ? connectName(key) : `${clusterName(carries, key)}${hop === undefined ? '' : ` in ${hop}`}`,
  derive(read, key) {
    const facts = read.view(servicePortFacts, key);
    if (facts === null) return null;
    const { trustDomain } = read.view(meshSettings, null);
    const origin = originOf(facts.service);
    const { carries } = key;
    const init = carries === 'connect' ? connectCluster(key) : meshCluster(key, carries, trustDomain, facts);
    const about = metadata({ service: hostOf(key), origin: originText(origin) });
    const message = create(ClusterSchema, init);
    message.metadata = create(MetadataSchema, about);
    const origins = [origin];
    if (carries !== 'connect') {
      const port = { ...key, portName: facts.portName };
      const hop = key.hop === undefined ? {} : { hop: key.hop };
      const draft = { message, port, carries, proxyless: facts.proxyless, ...hop, origins };
      for (const kind of policyKinds) kind.cluster?.(draft, read);
    }
    return resourceOf(TYPE_URLS.cluster, message.name, ClusterSchema, message, origins);
  },
  same: sameResource,
};

function meshCluster(
  key: ClusterKey,
  carries: Carries,
  trustDomain: string,
  { identities, proxyless }: ServicePortFacts,
): ClusterInit {
  const tls = (alpn: string) => upstreamTls(serverName(key, trustDomain), alpn, identities);
  const name = clusterName(carries, key);
  return {
    name,
    altStatName: statName(name),
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: {
      edsConfig: { ...ADS, initialFetchTimeout: INITIAL_FETCH_TIMEOUT },
      serviceName: endpointsName(key),
    },
    // The first whose labels the endpoint carries: an endpoint is plaintext only when the control plane says so.
    transportSocketMatches: [
      {
        name: 'mesh',
        match: { ...MESH_TRANSPORT },
        transportSocket: tls(key.hop === 'http1' ? 'http/1.1' : ALPN[carries]),
      },
      ...(proxyless ? [{ name: 'proxyless', match: { ...PROXYLESS_TRANSPORT }, transportSocket: tls('h2') }] : []),
      { name: 'plaintext', match: {}, transportSocket: plaintext() },
    ],
  };
}

function connectCluster(key: ServicePortKey): ClusterInit {
  return staticCluster(connectName(key), {
    address: {
      case: 'envoyInternalAddress',
      value: { addressNameSpecifier: { case: 'serverListenerName', value: outboundName(key) }, endpointId: 'detect' },
    },
  });
}

export interface LocalKey {
  readonly port: number;
  readonly speaks: HttpVersion;
}

/** The application itself: over its port of loopback, in the protocol that it speaks. */
export const localCluster: View<LocalKey, XdsResource> = {
  name: 'local-cluster',
  id: ({ port, speaks }) => `${speaks} ${port}`,
  derive(_read, { port, speaks }) {
    const name = inboundName(port, speaks);
    const init = staticCluster(name, {
      address: {
        case: 'socketAddress',
        value: { address: '127.0.0.1', portSpecifier: { case: 'portValue', value: port } },
      },
    });
    const options = speaks === 'http2' ? http2Options() : http1Options();
    const message = create(ClusterSchema, { ...init, typedExtensionProtocolOptions: options });
    return resourceOf(TYPE_URLS.cluster, name, ClusterSchema, message, []);
  },
  same: sameResource,
};

/** To whatever host the request or the CONNECT names, by DNS. */
export function passthroughCluster(name: string, carries: 'http' | 'tcp'): XdsResource {
  const config = pack(ClusterConfigSchema, {
    clusterImplementationSpecifier: { case: 'dnsCacheConfig', value: DNS_CACHE },
    // Envoy demands TLS checks of such a cluster, or this word: what passes here is the application's own, as it wrote it.
    allowInsecureClusterOptions: true,
  });
  const message = create(ClusterSchema, {
    name,
    clusterDiscoveryType: {
      case: 'clusterType',
      value: { name: 'envoy.clusters.dynamic_forward_proxy', typedConfig: config },
    },
    lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
    connectTimeout: CONNECT_TIMEOUT,
    circuitBreakers: LIMITS,
    metadata: metadata({ service: 'egress' }),
    ...(carries === 'http' ? { typedExtensionProtocolOptions: http1Options() } : {}),
  });
  return resourceOf(TYPE_URLS.cluster, name, ClusterSchema, message, []);
}

export const DNS_CACHE = {
  name: 'passthrough',
  dnsLookupFamily: Cluster_DnsLookupFamily.V4_PREFERRED,
  maxHosts: 1024,
};

function staticCluster(name: string, address: MessageInitShape<typeof AddressSchema>): ClusterInit {
  return {
    name,
    ...(name.includes('.') ? { altStatName: statName(name) } : {}),
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STATIC },
    connectTimeout: CONNECT_TIMEOUT,
    circuitBreakers: LIMITS,
    loadAssignment: {
      clusterName: name,
      endpoints: [{ lbEndpoints: [{ hostIdentifier: { case: 'endpoint', value: { address } } }] }],
    },
  };
}
