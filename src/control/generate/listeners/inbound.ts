/**
 * The inbound listener of one port of a workload. Its filter chains are its mTLS mode: what has no chain is refused.
 * In strict mode only connections of the mesh have one; TLS of anybody else passes untouched in permissive mode alone,
 * because it proves nothing about the caller.
 */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { originOf } from '../../../api/origin.ts';
import type { Workload, WorkloadPort } from '../../../api/kinds/workload.ts';
import type { View } from '../../../api/reader.ts';
import type { FilterChainSchema } from '../../../protos/gen/envoy/config/listener/v3/listener_components_pb.ts';
import { MetadataSchema, TrafficDirection } from '../../../protos/gen/envoy/config/core/v3/base_pb.ts';
import { ListenerSchema } from '../../../protos/gen/envoy/config/listener/v3/listener_pb.ts';
import { TYPE_URLS, type XdsResource } from '../../../xds/resource.ts';
import { meshSettings } from '../mesh-settings.ts';
import { inboundName } from '../names.ts';
import { metadata, originText } from '../origin.ts';
import { inboundMode } from '../peer-mode.ts';
import { durationOf, resourceOf, sameResource } from '../resource.ts';
import { ANY_PATH } from '../routes/http-match.ts';
import { ALPN_HTTP1, ALPN_TCP, downstreamTls } from '../tls.ts';
import { inspectAll, inspectTls } from './inspectors.ts';
import { httpManager, tcpProxy } from './network-filters.ts';
import { socketAddress } from './socket-address.ts';

type FilterChainInit = MessageInitShape<typeof FilterChainSchema>;

export interface InboundKey {
  readonly namespace: string;
  readonly workload: string;
  readonly appPort: number;
}

export const inboundListener: View<InboundKey, XdsResource | null> = {
  name: 'inbound-listener',
  id: (key) => `${key.namespace}/${key.workload} ${key.appPort}`,
  derive(read, key) {
    const workload = read.get({ kind: 'Workload', namespace: key.namespace, name: key.workload }) as Workload | null;
    const port = workload?.spec?.ports.find((each) => each.port === key.appPort);
    if (workload === null || port?.proxyPort === undefined) return null;
    const { trustDomain } = read.view(meshSettings, null);
    const mode = inboundMode(read, workload, port.port);
    const secured = mode === 'disabled' ? [] : meshChains(port, trustDomain);
    const open = mode === 'strict' ? [] : openChains(port);
    const name = inboundName(port.port);
    const origin = originOf(workload);
    const message = create(ListenerSchema, {
      name,
      address: socketAddress(workload.spec?.address ?? '127.0.0.1', port.proxyPort),
      trafficDirection: TrafficDirection.INBOUND,
      ...(mode === 'strict' ? inspectTls() : inspectAll()),
      filterChains: [...secured, ...open],
    });
    message.metadata = create(MetadataSchema, metadata({ origin: originText(origin), mode }));
    return resourceOf(TYPE_URLS.listener, name, ListenerSchema, message, [origin]);
  },
  same: sameResource,
};

function meshChains(port: WorkloadPort, trustDomain: string): FilterChainInit[] {
  return [
    {
      name: 'mesh-tcp',
      // The server name too: Envoy narrows by it before the ALPN and never goes back, so a chain without it would lose
      // every connection of the mesh to the chain below.
      filterChainMatch: {
        transportProtocol: 'tls',
        applicationProtocols: [ALPN_TCP],
        serverNames: [`*.mesh.${trustDomain}`],
      },
      transportSocket: downstreamTls(trustDomain, [ALPN_TCP]),
      filters: [toAppTcp(port)],
    },
    {
      name: 'mesh-http1',
      // `http/1.1` alone would also catch the application's own TLS: the server name tells them apart.
      filterChainMatch: {
        transportProtocol: 'tls',
        applicationProtocols: [ALPN_HTTP1],
        serverNames: [`*.mesh.${trustDomain}`],
      },
      transportSocket: downstreamTls(trustDomain, [ALPN_HTTP1]),
      filters: [toAppHttp(port)],
    },
  ];
}

function openChains(port: WorkloadPort): FilterChainInit[] {
  const own: FilterChainInit = {
    name: 'app-tls',
    filterChainMatch: { transportProtocol: 'tls' },
    filters: [toAppTcp(port)],
  };
  const http: FilterChainInit = {
    name: 'plaintext-http',
    filterChainMatch: { transportProtocol: 'raw_buffer', applicationProtocols: ['http/1.0', 'http/1.1'] },
    filters: [toAppHttp(port)],
  };
  const tcp: FilterChainInit = {
    name: 'plaintext-tcp',
    filterChainMatch: { transportProtocol: 'raw_buffer' },
    filters: [toAppTcp(port)],
  };
  return port.protocol === 'tcp' ? [own, tcp] : [own, http, tcp];
}

function toAppHttp(port: WorkloadPort) {
  const cluster = inboundName(port.port);
  return httpManager({
    statPrefix: cluster,
    direction: 'inbound',
    forwardProxy: false,
    routes: {
      name: cluster,
      virtualHosts: [
        {
          name: cluster,
          domains: ['*'],
          routes: [
            {
              name: cluster,
              match: ANY_PATH,
              action: {
                case: 'route',
                value: { clusterSpecifier: { case: 'cluster', value: cluster }, timeout: durationOf(0) },
              },
            },
          ],
        },
      ],
    },
  });
}

function toAppTcp(port: WorkloadPort) {
  const cluster = inboundName(port.port);
  return tcpProxy(cluster, [{ name: cluster, weight: 1 }]);
}
