/** The certificate that a proxy of Weft serves with: the agent gave it, so it stands in no answer of the control plane's. */
import { create } from '@bufbuild/protobuf';
import { SecretSchema } from '../../protos/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts';
import type { HeldResource } from './held-resource.ts';

/** `certs`: what the admin endpoint says at `/weft/certs`; null when that is none of Weft's. */
export function ownCertificate(certs: unknown): HeldResource | null {
  const pem = (certs as { certificateChainPem?: unknown } | null)?.certificateChainPem;
  if (typeof pem !== 'string') return null;
  const message = create(SecretSchema, {
    name: 'default',
    type: {
      case: 'tlsCertificate',
      value: { certificateChain: { specifier: { case: 'inlineString', value: pem } } },
    },
  });
  const about = { section: 'secrets', name: 'default', version: '', state: 'active', problem: '' } as const;
  return { ...about, message, isLocal: true };
}
