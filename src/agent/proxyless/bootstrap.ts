/**
 * The bootstrap file of a program that speaks xDS itself (gRFC A27, A29, A36), read by every gRPC library at the path that
 * GRPC_XDS_BOOTSTRAP names. Pure.
 */
import { CERTIFICATE_PROVIDER, SERVER_LISTENER_TEMPLATE } from '../../xds/proxyless.ts';
import type { SidecarOptions } from '../sidecar.ts';

/** An SVID may live a minute, and is renewed at half of that. */
const REFRESH = '5s';

export interface CertificatePaths {
  /** Certificate chain and private key. */
  readonly identity: string;
  readonly roots: string;
}

export interface BootstrapParts extends Pick<SidecarOptions, 'node' | 'locality'> {
  /** A gRPC target: `127.0.0.1:15000`, `unix:/run/xds.sock`. */
  readonly serverUri: string;
  readonly certificates: CertificatePaths;
}

export function grpcBootstrap({ node, locality, serverUri, certificates }: BootstrapParts): object {
  const { region = '', zone = '' } = locality ?? {};
  return {
    xds_servers: [
      // The only credentials that every library knows: the agent itself speaks mTLS to the control plane.
      { server_uri: serverUri, channel_creds: [{ type: 'insecure' }], server_features: ['xds_v3'] },
    ],
    // grpc-js demands a locality.
    node: { ...node, locality: { region, zone } },
    certificate_providers: {
      [CERTIFICATE_PROVIDER]: {
        plugin_name: 'file_watcher',
        config: {
          certificate_file: certificates.identity,
          private_key_file: certificates.identity,
          ca_certificate_file: certificates.roots,
          refresh_interval: REFRESH,
        },
      },
    },
    server_listener_resource_name_template: SERVER_LISTENER_TEMPLATE,
  };
}
