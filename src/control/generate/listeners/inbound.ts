/**
 * The inbound listener of one port of a workload. Its filter chains are its mTLS mode: what has no chain is refused.
 * In strict mode only connections of the mesh have one; TLS of anybody else passes untouched in permissive mode alone,
 * because it proves nothing about the caller.
 */
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { originOf } from '../../../api/origin.ts';
import type { MtlsMode } from '../../../api/kinds/mesh.ts';
import type { Workload, WorkloadPort } from '../../../api/kinds/workload.ts';
import type { Reader, View } from '../../../api/reader.ts';
import type { Origin } from '../../../api/resource.ts';
import { policyKinds } from '../../../policies/all.ts';
import type {
  Filter as NetworkFilter,
  FilterChainSchema,
} from '../../../protos/gen/envoy/config/listener/v3/listener_components_pb.ts';
import { MetadataSchema, TrafficDirection } from '../../../protos/gen/envoy/config/core/v3/base_pb.ts';
import { ListenerSchema } from '../../../protos/gen/envoy/config/listener/v3/listener_pb.ts';
import type { HttpFilter } from '../../../protos/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import { xdsResource } from '../../../xds/content-version.ts';
import { TYPE_URLS, type XdsResource } from '../../../xds/resource.ts';
import { meshSettings } from '../mesh-settings.ts';
import { type HttpVersion, inboundName } from '../names.ts';
import { metadata, originText } from '../origin.ts';
import { inboundMode } from '../peer-mode.ts';
import { catchesAnyH2, portProtocol } from '../protocol.ts';
import { durationOf } from '../../../protos/init.ts';
import { joinMessages, sameResource } from '../resource.ts';
import { ANY_PATH } from '../routes/http-match.ts';
import { ALPN, downstreamTls } from '../tls.ts';
import { HTTP1_BYTES, HTTP2_BYTES, inspectAll, inspectTls } from './inspectors.ts';
import { type FilterInit, httpManager, tcpFilter, tcpProxy } from './network-filters.ts';
import { type SidecarKind, sidecarOf } from './sidecar.ts';
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
    const origin = originOf(workload);
    const origins = [origin];
    const toApp = filtersOf(read, workload, port, trustDomain, origins);
    const isPlain = toApp.http.length + toApp.tcp.length === 0;
    const chains = isPlain
      ? read.view(plainChains, { port: port.port, protocol: port.protocol ?? '', mode, sidecar: toApp.sidecar })
      : chainsOf(toApp, mode, trustDomain);
    const name = inboundName(port.port);
    const own = create(ListenerSchema, {
      name,
      address: socketAddress(workload.spec?.address ?? '127.0.0.1', port.proxyPort),
    });
    own.metadata = create(MetadataSchema, metadata({ origin: originText(origin), mode }));
    const bytes = joinMessages([toBinary(ListenerSchema, own), chains]);
    return xdsResource(TYPE_URLS.listener, name, bytes, origins);
  },
  same: sameResource,
};

interface PlainChainsKey extends Required<Pick<WorkloadPort, 'port' | 'protocol'>> {
  readonly mode: MtlsMode;
  readonly sidecar: SidecarKind;
}

/** What no policy has a part in is the same for thousands of workloads. */
const plainChains: View<PlainChainsKey, Uint8Array> = {
  name: 'plain-chains',
  id: ({ port, protocol, mode, sidecar }) => `${port} ${protocol} ${mode} in ${sidecar}`,
  derive: (read, { mode, sidecar, ...port }) =>
    chainsOf({ port, sidecar, http: [], tcp: [] }, mode, read.view(meshSettings, null).trustDomain),
  same: (a, b) => Buffer.compare(a, b) === 0,
};

/** The bytes of a Listener with everything but its name and its place. */
function chainsOf(toApp: ToApp, mode: MtlsMode, trustDomain: string): Uint8Array {
  const secured = mode === 'disabled' ? [] : meshChains(toApp, trustDomain, mode);
  const open = mode === 'strict' ? [] : openChains(toApp);
  const rest = create(ListenerSchema, {
    trafficDirection: TrafficDirection.INBOUND,
    ...(mode === 'strict' ? inspectTls() : inspectAll()),
    filterChains: [...secured, ...open],
  });
  return toBinary(ListenerSchema, rest);
}

/** What of policies and protocol all chains of a port share. */
interface ToApp {
  readonly port: WorkloadPort;
  readonly sidecar: SidecarKind;
  readonly http: readonly HttpFilter[];
  readonly tcp: readonly NetworkFilter[];
}

function filtersOf(
  read: Reader,
  workload: Workload,
  port: WorkloadPort,
  trustDomain: string,
  origins: Origin[],
): ToApp {
  const draft = { workload, port, neverHttp: portProtocol(port) === 'tcp', trustDomain, http: [], tcp: [], origins };
  for (const kind of policyKinds) kind.inbound?.(draft, read);
  return { ...draft, sidecar: sidecarOf(workload) };
}

/** By ALPN: a sidecar says what the application speaks, another client of the mesh what it speaks itself. */
function meshChains(toApp: ToApp, trustDomain: string, mode: 'strict' | 'permissive'): FilterChainInit[] {
  const { port } = toApp;
  // `h2` and `http/1.1` alone would also catch the application's own TLS: the server name tells them apart. It stands in
  // every chain: Envoy narrows by it before the ALPN and never goes back, so one without it would never be reached.
  const named = [`*.mesh.${trustDomain}`];
  const chain = (
    name: string,
    alpn: readonly string[],
    filters: FilterInit[],
    serverNames = named,
  ): FilterChainInit => ({
    name,
    filterChainMatch: { transportProtocol: 'tls', applicationProtocols: [...alpn], serverNames },
    transportSocket: downstreamTls(trustDomain, alpn),
    filters,
  });
  // What comes as `h2` is for an application of HTTP/2, unless that is declared to speak HTTP/1.1.
  const forHttp1 = spoken(port, 'http2') === 'http';
  const ofH2 = toAppHttp(toApp, forHttp1 ? 'http' : 'http2', 'http2');
  const anyName = catchesAnyH2(mode, portProtocol(port)) ? [chain('peer-http2', ['h2'], ofH2, [])] : [];
  return [
    chain('mesh-tcp', [ALPN.tcp], toAppTcp(toApp)),
    chain('mesh-http1', forHttp1 ? [ALPN.http, 'h2'] : [ALPN.http], toAppHttp(toApp, 'http', 'http2')),
    chain('mesh-http2', forHttp1 ? [ALPN.http2] : [ALPN.http2, 'h2'], toAppHttp(toApp, 'http2', 'http2')),
    chain('peer-http1', ['http/1.1'], toAppHttp(toApp, spoken(port, 'http'), 'http')),
    ...anyName,
  ];
}

function openChains(toApp: ToApp): FilterChainInit[] {
  const { port } = toApp;
  const own: FilterChainInit = {
    name: 'app-tls',
    filterChainMatch: { transportProtocol: 'tls' },
    filters: toAppTcp(toApp),
  };
  const http = (name: string, came: HttpVersion, applicationProtocols: string[]): FilterChainInit => ({
    name,
    filterChainMatch: { transportProtocol: 'raw_buffer', applicationProtocols },
    filters: toAppHttp(toApp, spoken(port, came), came),
  });
  const tcp: FilterChainInit = {
    name: 'plaintext-tcp',
    filterChainMatch: { transportProtocol: 'raw_buffer' },
    filters: toAppTcp(toApp),
  };
  if (portProtocol(port) === 'tcp') return [own, tcp];
  return [own, http('plaintext-http', 'http', HTTP1_BYTES), http('plaintext-http2', 'http2', HTTP2_BYTES), tcp];
}

/** What the application is spoken to in, when a stranger came with `came`: what is declared, else the same. */
function spoken(port: WorkloadPort, came: HttpVersion): HttpVersion {
  const declared = portProtocol(port);
  return declared === 'http' || declared === 'http2' ? declared : came;
}

function toAppHttp({ port, http, sidecar }: ToApp, speaks: HttpVersion, codec: HttpVersion): FilterInit[] {
  const cluster = inboundName(port.port, speaks);
  const manager = httpManager({
    statPrefix: cluster,
    filters: http,
    codec,
    direction: 'inbound',
    sidecar,
    onDemand: false,
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
  return [manager];
}

function toAppTcp({ port, tcp, sidecar }: ToApp): FilterInit[] {
  const statPrefix = inboundName(port.port);
  const clusters = [{ name: statPrefix, weight: 1 }];
  const style = { sidecar, onDemand: false };
  return [...tcp, tcpFilter(tcpProxy({ statPrefix, clusters, direction: 'inbound', ...style }))];
}
