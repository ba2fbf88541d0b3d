/** The workload's identity as SDS resources, by the names that generated configuration uses. They never leave this machine. */
import { bytesOf } from '../../core/bytes.ts';
import type { Svid } from '../../identity/svid.ts';
import { xdsResource } from '../../xds/content-version.ts';
import { TYPE_URLS, type TypeUrl, type XdsResource, type XdsView } from '../../xds/resource.ts';
import type { Secret } from '../../xds/tables/messages.gen.ts';
import {
  CertificateValidationContextTable,
  DataSourceTable,
  SecretTable,
  TlsCertificateTable,
} from '../../xds/tables/tables.gen.ts';
import { encode } from '../../xds/wire/encode.ts';
import { create } from '../../xds/wire/table.ts';

/** Its own certificate with the key. */
const OWN_CERTIFICATE = 'default';
const TRUST_BUNDLE = 'trust-bundle';

export function secretsView(svid: Svid, trustBundlePem: string): XdsView {
  const own = create(TlsCertificateTable, {
    certificateChain: pem(svid.certificateChainPem),
    privateKey: pem(svid.privateKeyPem),
  });
  const roots = create(CertificateValidationContextTable, { trustedCa: pem(trustBundlePem) });
  const secrets = [
    secret(OWN_CERTIFICATE, { case: 'tlsCertificate', value: own }),
    secret(TRUST_BUNDLE, { case: 'validationContext', value: roots }),
  ];
  return new Map<TypeUrl, ReadonlyMap<string, XdsResource>>([
    [TYPE_URLS.secret, new Map(secrets.map((each) => [each.name, each]))],
  ]);
}

function secret(name: string, type: Secret['type']): XdsResource {
  return xdsResource(TYPE_URLS.secret, name, encode(SecretTable, create(SecretTable, { name, type })));
}

function pem(text: string) {
  return create(DataSourceTable, { specifier: { case: 'inlineBytes', value: bytesOf(text) } });
}
