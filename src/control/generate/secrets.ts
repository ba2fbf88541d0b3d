/** The trust bundle as an SDS validation context: the only secret that goes over xDS, and not a secret one. */
import { create } from '@bufbuild/protobuf';
import type { View } from '../../api/reader.ts';
import { SecretSchema } from '../../protos/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts';
import { TYPE_URLS, type XdsResource } from '../../xds/resource.ts';
import { meshSettings } from './mesh-settings.ts';
import { TRUST_BUNDLE } from './names.ts';
import { resourceOf, sameResource } from './resource.ts';

export const trustBundle: View<null, XdsResource> = {
  name: 'secret',
  id: () => TRUST_BUNDLE,
  derive(read) {
    const { trustBundlePem } = read.view(meshSettings, null);
    const inlineBytes = new TextEncoder().encode(trustBundlePem);
    const message = create(SecretSchema, {
      name: TRUST_BUNDLE,
      type: {
        case: 'validationContext',
        value: { trustedCa: { specifier: { case: 'inlineBytes', value: inlineBytes } } },
      },
    });
    return resourceOf(TYPE_URLS.secret, TRUST_BUNDLE, SecretSchema, message, []);
  },
  same: sameResource,
};
