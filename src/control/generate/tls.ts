/**
 * Mutual TLS between data planes, as transport sockets: TLS 1.3 only, the workload's own SVID by a name that the agent
 * binds locally, the roots over SDS, and the ids that the peer may have.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { TransportSocketSchema } from '../../protos/gen/envoy/config/core/v3/base_pb.ts';
import {
  ApiConfigSource_ApiType,
  ApiVersion,
  type ConfigSourceSchema,
} from '../../protos/gen/envoy/config/core/v3/config_source_pb.ts';
import { RawBufferSchema } from '../../protos/gen/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb.ts';
import {
  SubjectAltNameMatcher_SanType,
  TlsParameters_TlsProtocol,
} from '../../protos/gen/envoy/extensions/transport_sockets/tls/v3/common_pb.ts';
import {
  type CommonTlsContextSchema,
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from '../../protos/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts';
import { AGENT_CLUSTER, OWN_CERTIFICATE, TRUST_BUNDLE } from './names.ts';
import { durationOf, pack } from '../../protos/init.ts';

/**
 * What the application at the other end speaks, said by the ALPN of the hop. With either HTTP, the hop itself is HTTP/2.
 */
export const ALPN = { http: 'weft-http1', http2: 'weft-http2', tcp: 'weft-tcp' } as const;

type TransportSocketInit = MessageInitShape<typeof TransportSocketSchema>;
type PeerMatch = { readonly case: 'exact' | 'prefix'; readonly value: string };

export const ADS = {
  configSourceSpecifier: { case: 'ads', value: {} },
  resourceApiVersion: ApiVersion.V3,
} as const;

/**
 * The workload's own certificate: its key is on no other machine, so the agent beside the proxy serves it by SDS, as a
 * cluster of the proxy's bootstrap. Our own proxy has it from the agent in its process, and asks nobody.
 */
const BY_AGENT = {
  configSourceSpecifier: {
    case: 'apiConfigSource',
    value: {
      apiType: ApiConfigSource_ApiType.DELTA_GRPC,
      transportApiVersion: ApiVersion.V3,
      setNodeOnFirstMessageOnly: true,
      grpcServices: [{ targetSpecifier: { case: 'envoyGrpc', value: { clusterName: AGENT_CLUSTER } } }],
    },
  },
  resourceApiVersion: ApiVersion.V3,
  // A proxy without its identity serves nobody: it waits for as long as it takes.
  initialFetchTimeout: durationOf(0),
} satisfies MessageInitShape<typeof ConfigSourceSchema>;

export function upstreamTls(serverName: string, alpn: string, identities: readonly string[]): TransportSocketInit {
  // Envoy accepts every peer when there is no matcher: a service without identities gets one that nobody meets.
  const ids = identities.length > 0 ? identities : ['spiffe://invalid/nobody'];
  const matches = ids.map((value): PeerMatch => ({ case: 'exact', value }));
  return tlsSocket(pack(UpstreamTlsContextSchema, { sni: serverName, commonTlsContext: common([alpn], matches) }));
}

/** Accepts every identity of the trust domain: who may call is the business of authorization. */
export function downstreamTls(trustDomain: string, alpn: readonly string[]): TransportSocketInit {
  return tlsSocket(
    pack(DownstreamTlsContextSchema, {
      requireClientCertificate: true,
      commonTlsContext: common(alpn, [{ case: 'prefix', value: `spiffe://${trustDomain}/` }]),
    }),
  );
}

export function plaintext(): TransportSocketInit {
  return {
    name: 'envoy.transport_sockets.raw_buffer',
    configType: { case: 'typedConfig', value: pack(RawBufferSchema, {}) },
  };
}

function tlsSocket(typedConfig: ReturnType<typeof pack>): TransportSocketInit {
  return { name: 'envoy.transport_sockets.tls', configType: { case: 'typedConfig', value: typedConfig } };
}

function common(
  alpnProtocols: readonly string[],
  peers: readonly PeerMatch[],
): MessageInitShape<typeof CommonTlsContextSchema> {
  return {
    // Envoy's TLS client stops at 1.2 unless the maximum is said.
    tlsParams: {
      tlsMinimumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3,
      tlsMaximumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3,
    },
    alpnProtocols: [...alpnProtocols],
    tlsCertificateSdsSecretConfigs: [{ name: OWN_CERTIFICATE, sdsConfig: BY_AGENT }],
    validationContextType: {
      case: 'combinedValidationContext',
      value: {
        defaultValidationContext: {
          matchTypedSubjectAltNames: peers.map((matchPattern) => ({
            sanType: SubjectAltNameMatcher_SanType.URI,
            matcher: { matchPattern },
          })),
        },
        validationContextSdsSecretConfig: { name: TRUST_BUNDLE, sdsConfig: ADS },
      },
    },
  };
}
