/** The network filters that every listener is made of: the HTTP connection manager and the TCP proxy. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { FilterSchema } from '../../../protos/gen/envoy/config/listener/v3/listener_components_pb.ts';
import type { RouteConfigurationSchema } from '../../../protos/gen/envoy/config/route/v3/route_pb.ts';
import { FilterConfigSchema as DynamicForwardSchema } from '../../../protos/gen/envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy_pb.ts';
import { OnDemandSchema } from '../../../protos/gen/envoy/extensions/filters/http/on_demand/v3/on_demand_pb.ts';
import { RouterSchema } from '../../../protos/gen/envoy/extensions/filters/http/router/v3/router_pb.ts';
import {
  HttpConnectionManager_CodecType,
  HttpConnectionManager_ForwardClientCertDetails,
  HttpConnectionManager_ServerHeaderTransformation,
  HttpConnectionManagerSchema,
  type HttpFilter,
  type HttpFilterSchema,
} from '../../../protos/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import {
  type TcpProxy,
  TcpProxySchema,
} from '../../../protos/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts';
import { http2Settings } from '../../../policies/backend-traffic/compile/connection.ts';
import { faultFilter } from '../../../policies/fault-injection/compile.ts';
import { DNS_CACHE } from '../clusters.ts';
import { type HttpVersion, statName } from '../names.ts';
import { durationOf, pack } from '../../../protos/init.ts';
import { ADS } from '../tls.ts';
import { accessLog, type Direction, type ListenerStyle, type SidecarKind, tracing } from './sidecar.ts';

export type FilterInit = MessageInitShape<typeof FilterSchema>;
type HttpFilterInit = MessageInitShape<typeof HttpFilterSchema>;

/** The same at both ends of the hop between sidecars. */
const HTTP2 = http2Settings();

const HOUR = durationOf(3_600_000);

/** How long a request waits for a cluster that is asked for. */
const DEMAND_TIMEOUT = durationOf(5_000);

const CODECS = {
  http: HttpConnectionManager_CodecType.HTTP1,
  http2: HttpConnectionManager_CodecType.HTTP2,
  // By ALPN, else by the preface of HTTP/2.
  auto: HttpConnectionManager_CodecType.AUTO,
} as const;

export interface HttpOptions extends ListenerStyle {
  readonly statPrefix: string;
  readonly codec: HttpVersion | 'auto';
  /** A name to subscribe to, or the routes themselves. */
  readonly routes: string | MessageInitShape<typeof RouteConfigurationSchema>;
  readonly direction: Direction;
  /** Accepts CONNECT, and requests for hosts outside of the mesh. */
  readonly forwardProxy: boolean;
  /** Before all others. */
  readonly filters?: readonly HttpFilter[];
}

export function httpManager(options: HttpOptions): FilterInit {
  const { routes, forwardProxy } = options;
  const config = pack(HttpConnectionManagerSchema, {
    statPrefix: statName(options.statPrefix),
    codecType: CODECS[options.codec],
    ...(options.codec === 'http' ? {} : { http2ProtocolOptions: HTTP2 }),
    routeSpecifier:
      typeof routes === 'string'
        ? { case: 'rds', value: { routeConfigName: routes, configSource: ADS } }
        : { case: 'routeConfig', value: routes },
    httpFilters: [
      ...(options.filters ?? []),
      ...(options.onDemand ? [onDemandFilter()] : []),
      ...(options.direction === 'outbound' ? [faultFilter()] : []),
      ...(forwardProxy ? [dynamicForward()] : []),
      router(options.sidecar),
    ],
    accessLog: [accessLog(options.sidecar, options.direction, 'http')],
    ...(options.sidecar === 'envoy' ? { tracing: tracing() } : {}),
    commonHttpProtocolOptions: { idleTimeout: HOUR },
    // Envoy's five minutes would cut a watch on which nothing happens for a while.
    streamIdleTimeout: HOUR,
    requestHeadersTimeout: durationOf(60_000),
    serverHeaderTransformation: HttpConnectionManager_ServerHeaderTransformation.PASS_THROUGH,
    // An explicit proxy gets absolute-form targets; without this Envoy answers them with 404.
    httpProtocolOptions: { allowAbsoluteUrl: true },
    upgradeConfigs: [
      { upgradeType: 'websocket' },
      ...(options.direction === 'outbound' ? [{ upgradeType: 'CONNECT' }] : []),
    ],
    // Who called is said by the inbound proxy from the certificate that it verified, and by nobody else.
    ...(options.direction === 'inbound'
      ? {
          forwardClientCertDetails: HttpConnectionManager_ForwardClientCertDetails.SANITIZE_SET,
          setCurrentClientCertDetails: { uri: true },
        }
      : { forwardClientCertDetails: HttpConnectionManager_ForwardClientCertDetails.SANITIZE }),
  });
  return { name: 'envoy.filters.network.http_connection_manager', configType: { case: 'typedConfig', value: config } };
}

export interface TcpOptions extends ListenerStyle {
  readonly statPrefix: string;
  readonly clusters: readonly { readonly name: string; readonly weight: number }[];
  readonly direction: Direction;
}

export function tcpProxy({ statPrefix, clusters, direction, sidecar, onDemand }: TcpOptions): TcpProxy {
  const [first] = clusters;
  return create(TcpProxySchema, {
    statPrefix,
    clusterSpecifier:
      clusters.length === 1 && first !== undefined
        ? { case: 'cluster', value: first.name }
        : { case: 'weightedClusters', value: { clusters: clusters.map(({ name, weight }) => ({ name, weight })) } },
    idleTimeout: HOUR,
    accessLog: [accessLog(sidecar, direction, 'tcp')],
    ...(onDemand ? { onDemand: { odcdsConfig: ADS, timeout: DEMAND_TIMEOUT } } : {}),
  });
}

export function tcpFilter(proxy: TcpProxy): FilterInit {
  const value = pack(TcpProxySchema, proxy);
  return { name: 'envoy.filters.network.tcp_proxy', configType: { case: 'typedConfig', value } };
}

function router(sidecar: SidecarKind): HttpFilterInit {
  // Applications see no `x-envoy-…` that our own proxy would not write.
  const config = pack(RouterSchema, sidecar === 'envoy' ? { suppressEnvoyHeaders: true } : {});
  return { name: 'envoy.filters.http.router', configType: { case: 'typedConfig', value: config } };
}

function onDemandFilter(): HttpFilterInit {
  const config = pack(OnDemandSchema, { odcds: { source: ADS, timeout: DEMAND_TIMEOUT } });
  return { name: 'envoy.filters.http.on_demand', configType: { case: 'typedConfig', value: config } };
}

function dynamicForward(): HttpFilterInit {
  const config = pack(DynamicForwardSchema, { implementationSpecifier: { case: 'dnsCacheConfig', value: DNS_CACHE } });
  return { name: 'envoy.filters.http.dynamic_forward_proxy', configType: { case: 'typedConfig', value: config } };
}
