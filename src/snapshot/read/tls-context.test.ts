import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode } from '../../xds/wire/encode.ts';
import { create } from '../../xds/wire/table.ts';
import * as t from '../../xds/tables/tables.gen.ts';
import { readDownstreamTls, readUpstreamTls } from './tls-context.ts';
import { MESH_TERMS, type Terms } from './terms.ts';

const OWN: Terms = { asks: () => true, tls: 'own', noOriginalDestination: () => null };
const TLS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.';
const text = (value: string) => create(t.DataSourceTable, { specifier: { case: 'inlineString', value } });
const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n';
const CRL = '-----BEGIN X509 CRL-----\nAA==\n-----END X509 CRL-----\n';
const own = create(t.TlsCertificateTable, {
  certificateChain: text(CERTIFICATE),
  privateKey: text('-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n'),
});
const HASH = 'ab'.repeat(32);
const KEY = `${'A'.repeat(43)}=`;

const params = (parts: object) => ({ tlsParams: create(t.TlsParametersTable, parts) });
const checks = (parts: object) => ({
  validationContextType: {
    case: 'validationContext' as const,
    value: create(t.CertificateValidationContextTable, { trustedCa: text(CERTIFICATE), ...parts }),
  },
});

function socketOf(typeUrl: string, value: Uint8Array) {
  const config = { case: 'typedConfig' as const, value: create(t.AnyTable, { typeUrl, value }) };
  return create(t.TransportSocketTable, { name: 'tls', configType: config });
}

function downstream(common: object, more: object = {}, terms = OWN) {
  const commonTlsContext = create(t.CommonTlsContextTable, { tlsCertificates: [own], ...common });
  const message = create(t.DownstreamTlsContextTable, { commonTlsContext, ...more });
  const value = encode(t.DownstreamTlsContextTable, message);
  return readDownstreamTls('s', socketOf(`${TLS}DownstreamTlsContext`, value), terms);
}

function upstream(common: object, terms = OWN) {
  const message = create(t.UpstreamTlsContextTable, { commonTlsContext: create(t.CommonTlsContextTable, common) });
  const value = encode(t.UpstreamTlsContextTable, message);
  return readUpstreamTls('s', socketOf(`${TLS}UpstreamTlsContext`, value), terms);
}

function refused(read: () => unknown): string {
  try {
    read();
    return '';
  } catch (error) {
    return String((error as { where?: string }).where).replace(/^s\.typed_config: common_tls_context\./, '');
  }
}

test('what is not set costs nothing to ask for', () => {
  assert.equal(downstream({})?.extras, null);
  assert.equal(upstream(checks({}))?.extras, null);
});

test('certificates, pins, lists and algorithms are read', () => {
  const crl = text(CRL);
  const tls = downstream({
    tlsCertificates: [own, own],
    ...checks({
      crl,
      verifyCertificateHash: [HASH.toUpperCase().replace(/(..)(?=.)/g, '$1:')],
      verifyCertificateSpki: [KEY],
    }),
    ...params({
      cipherSuites: ['[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-RSA-AES128-GCM-SHA256]', 'AES128-SHA'],
      ecdhCurves: ['P-256'],
      signatureAlgorithms: ['ed25519'],
    }),
  });
  assert.equal(tls?.extras?.moreCertificates.length, 1);
  assert.deepEqual(tls.extras.pins, { certificates: [HASH], keys: [KEY] });
  assert.deepEqual(tls.extras.algorithms, {
    cipherSuites: ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256', 'AES128-SHA'],
    curves: ['P-256'],
    signatures: ['ed25519'],
  });
  assert.equal((tls.validation as { crlPem?: string }).crlPem, CRL);
});

test('what this proxy does not do, or cannot read, is refused by its field', () => {
  const cases: readonly (readonly [object, string])[] = [
    [params({ cipherSuites: ['AES128-SHA', 'DES-CBC3-SHA'] }), 'tls_params.cipher_suites[1]'],
    [params({ cipherSuites: ['-ALL'] }), 'tls_params.cipher_suites[0]'],
    [params({ ecdhCurves: ['P-224'] }), 'tls_params.ecdh_curves[0]'],
    [params({ signatureAlgorithms: ['rsa_pkcs1_sha1'] }), 'tls_params.signature_algorithms[0]'],
    [params({ tlsMinimumProtocolVersion: 1 }), 'tls_params.tls_minimum_protocol_version'],
    [checks({ verifyCertificateHash: ['abc'] }), 'validation_context.verify_certificate_hash[0]'],
    [checks({ verifyCertificateSpki: [KEY, HASH] }), 'validation_context.verify_certificate_spki[1]'],
    [checks({ crl: text('none') }), 'validation_context.crl'],
    [checks({ crl: text(CRL), onlyVerifyLeafCertCrl: true }), 'validation_context.only_verify_leaf_cert_crl'],
    [checks({ maxVerifyDepth: 1 }), 'validation_context.max_verify_depth'],
    [checks({ trustedCa: undefined, verifyCertificateSpki: [KEY] }), 'validation_context.trusted_ca'],
  ];
  for (const [common, where] of cases) {
    assert.equal(
      refused(() => downstream(common)),
      where,
    );
    assert.equal(
      refused(() => upstream({ ...checks({}), ...common })),
      where,
    );
  }
  assert.equal(
    refused(() => upstream({ tlsCertificates: [own, own], ...checks({}) })),
    'tls_certificates',
  );
  assert.match(
    refused(() => downstream({}, { requireSni: true })),
    /require_sni$/,
  );
});

test('in a mesh none of it is a resource’s to say', () => {
  const named = {
    tlsCertificates: [],
    tlsCertificateSdsSecretConfigs: [create(t.SdsSecretConfigTable, { name: 'default' })],
  };
  const [sds] = named.tlsCertificateSdsSecretConfigs;
  assert.equal(downstream(named, {}, MESH_TERMS)?.extras, null);
  assert.equal(
    refused(() => downstream({ ...named, tlsCertificateSdsSecretConfigs: [sds, sds] }, {}, MESH_TERMS)),
    'tls_certificate_sds_secret_configs[1]',
  );
  const combined = (parts: object) => ({
    ...named,
    validationContextType: {
      case: 'combinedValidationContext' as const,
      value: create(t.CommonTlsContext_CombinedCertificateValidationContextTable, {
        defaultValidationContext: create(t.CertificateValidationContextTable, parts),
        validationContextSdsSecretConfig: create(t.SdsSecretConfigTable, {
          name: 'trust-bundle',
          sdsConfig: create(t.ConfigSourceTable, {
            configSourceSpecifier: { case: 'ads', value: create(t.AggregatedConfigSourceTable, {}) },
          }),
        }),
      }),
    },
  });
  const at = 'combined_validation_context.default_validation_context';
  assert.equal(
    refused(() => downstream(combined({ verifyCertificateSpki: [KEY] }), {}, MESH_TERMS)),
    `${at}.verify_certificate_spki`,
  );
  assert.equal(
    refused(() => downstream(combined({ crl: text(CRL) }), {}, MESH_TERMS)),
    `${at}.crl`,
  );
});
