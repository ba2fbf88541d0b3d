/**
 * mTLS of programs that are their own data plane: certificates by provider instances of their bootstrap (gRFC A29). They
 * refuse TLS parameters and SDS; the versions are the library's, and every peer in the mesh insists on 1.3.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { TransportSocketSchema } from '../../../protos/gen/envoy/config/core/v3/base_pb.ts';
import {
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from '../../../protos/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts';
import { pack } from '../../../protos/init.ts';
import { CERTIFICATE_PROVIDER } from '../../../xds/proxyless.ts';

type TransportSocketInit = MessageInitShape<typeof TransportSocketSchema>;

const INSTANCE = { instanceName: CERTIFICATE_PROVIDER };
/** Without a matcher every identity of the mesh would do: a service without identities gets one that nobody has. */
const NOBODY = 'spiffe://invalid/nobody';

export function upstreamTls(serverName: string, identities: readonly string[]): TransportSocketInit {
  const ids = identities.length > 0 ? identities : [NOBODY];
  const config = pack(UpstreamTlsContextSchema, {
    // For clients of gRFC A101; others send the name of their target, or none.
    sni: serverName,
    commonTlsContext: {
      tlsCertificateProviderInstance: INSTANCE,
      validationContextType: {
        case: 'validationContext',
        value: {
          caCertificateProviderInstance: INSTANCE,
          // Not the typed matchers that replaced them in Envoy: gRPC reads these.
          matchSubjectAltNames: ids.map((value) => ({ matchPattern: { case: 'exact' as const, value } })),
        },
      },
    },
  });
  return tlsSocket(config);
}

/** Every identity that the roots vouch for: servers refuse matchers, and who may call is the business of authorization. */
export function downstreamTls(): TransportSocketInit {
  const config = pack(DownstreamTlsContextSchema, {
    requireClientCertificate: true,
    commonTlsContext: {
      tlsCertificateProviderInstance: INSTANCE,
      validationContextType: { case: 'validationContext', value: { caCertificateProviderInstance: INSTANCE } },
    },
  });
  return tlsSocket(config);
}

function tlsSocket(typedConfig: ReturnType<typeof pack>): TransportSocketInit {
  return { name: 'envoy.transport_sockets.tls', configType: { case: 'typedConfig', value: typedConfig } };
}
