/**
 * Listeners of gRPC servers (gRFC A36): one for each address that the program may have bound its port at, because a server
 * serves only with a listener that names exactly that.
 */
import { create } from '@bufbuild/protobuf';
import { originOf } from '../../../api/origin.ts';
import type { Workload } from '../../../api/kinds/workload.ts';
import type { View } from '../../../api/reader.ts';
import { MetadataSchema, TrafficDirection } from '../../../protos/gen/envoy/config/core/v3/base_pb.ts';
import { ListenerSchema } from '../../../protos/gen/envoy/config/listener/v3/listener_pb.ts';
import { HttpConnectionManagerSchema } from '../../../protos/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import { pack } from '../../../protos/init.ts';
import { serverListenerName } from '../../../xds/proxyless.ts';
import { TYPE_URLS, type XdsResource } from '../../../xds/resource.ts';
import type { InboundKey } from '../listeners/inbound.ts';
import { socketAddress } from '../listeners/socket-address.ts';
import { inboundName } from '../names.ts';
import { metadata, originText } from '../origin.ts';
import { inboundMode } from '../peer-mode.ts';
import { resourceOf, sameResource } from '../resource.ts';
import { ANY_PATH } from '../routes/http-match.ts';
import { router } from './http-filters.ts';
import { downstreamTls } from './tls.ts';
import { narrowAuthorization } from './authorization.ts';
import { meshSettings } from '../mesh-settings.ts';
import { policyKinds } from '../../../policies/all.ts';
import type { InboundDraft } from '../../../policies/policy-kind.ts';

const ANYWHERE = ['0.0.0.0', '::', '127.0.0.1', '::1'];

export const grpcServerListeners: View<InboundKey, readonly XdsResource[]> = {
  name: 'grpc-server-listeners',
  id: (key) => `${key.namespace}/${key.workload} ${key.appPort}`,
  derive(read, key) {
    const workload = read.get({ kind: 'Workload', namespace: key.namespace, name: key.workload }) as Workload | null;
    const port = workload?.spec?.ports.find((each) => each.port === key.appPort);
    if (workload === null || port === undefined) return [];
    const mode = inboundMode(read, workload, port.port);
    const name = inboundName(port.port, 'http2');
    const { trustDomain } = read.view(meshSettings, null);
    const origin = originOf(workload);
    const origins = [origin];
    // Whatever is declared, a gRPC server takes HTTP alone.
    const draft: InboundDraft = { workload, port, neverHttp: false, trustDomain, http: [], tcp: [], origins };
    for (const kind of policyKinds) kind.inbound?.(draft, read);
    const manager = pack(HttpConnectionManagerSchema, {
      // grpc-js looks at the filters to tell whether a listener is another one, and takes TLS that comes or goes for none.
      statPrefix: mode === 'disabled' ? `${name}|clear` : name,
      routeSpecifier: {
        case: 'routeConfig',
        value: {
          name,
          virtualHosts: [
            { name, domains: ['*'], routes: [{ match: ANY_PATH, action: { case: 'nonForwardingAction', value: {} } }] },
          ],
        },
      },
      httpFilters: [...narrowAuthorization(draft.http), router()],
    });
    const hosts = [...new Set([...ANYWHERE, workload.spec?.address ?? ANYWHERE[0] ?? ''])];
    return hosts.map((host) => {
      const message = create(ListenerSchema, {
        name: serverListenerName(host, port.port),
        address: socketAddress(host, port.port),
        trafficDirection: TrafficDirection.INBOUND,
        filterChains: [
          {
            name,
            filters: [
              {
                name: 'envoy.filters.network.http_connection_manager',
                configType: { case: 'typedConfig', value: manager },
              },
            ],
            // gRPC tells no TLS from clear text on one port: what is permissive elsewhere is strict here.
            ...(mode === 'disabled' ? {} : { transportSocket: downstreamTls() }),
          },
        ],
      });
      message.metadata = create(MetadataSchema, metadata({ origin: originText(origin), mode }));
      return resourceOf(TYPE_URLS.listener, message.name, ListenerSchema, message, origins);
    });
  },
  same: (a, b) => a.length === b.length && a.every((each, i) => sameResource(each, b[i] ?? null)),
};
