/** `/certs` of Envoy's admin endpoint: envoy.admin.v3.Certificates in JSON. Certificates are public; keys are not shown. */
import { X509Certificate } from 'node:crypto';

/** One identity as it is presented, and the roots that peers must come from. PEM. */
export interface ShownIdentity {
  readonly certificateChainPem: string;
  readonly trustBundlePem: string;
}

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const DAY_MS = 86_400_000;

export function certificatesJson(identities: readonly ShownIdentity[], wallMs: number) {
  return {
    certificates: identities.map(({ certificateChainPem, trustBundlePem }) => ({
      ca_cert: detailsOf(trustBundlePem, wallMs),
      cert_chain: detailsOf(certificateChainPem, wallMs),
    })),
  };
}

/** Of the certificate that ends first; null without any. */
export function daysUntilExpiry(identities: readonly ShownIdentity[], wallMs: number): number | null {
  const days = identities.flatMap(({ certificateChainPem }) =>
    certificates(certificateChainPem).map((each) => daysLeft(each, wallMs)),
  );
  return days.length === 0 ? null : Math.min(...days);
}

function detailsOf(pem: string, wallMs: number) {
  return certificates(pem).map((certificate) => ({
    path: '<inline>',
    serial_number: certificate.serialNumber.toLowerCase(),
    subject_alt_names: alternativeNames(certificate.subjectAltName ?? ''),
    days_until_expiration: String(daysLeft(certificate, wallMs)),
    valid_from: new Date(certificate.validFrom).toISOString(),
    expiration_time: new Date(certificate.validTo).toISOString(),
  }));
}

function certificates(pem: string): readonly X509Certificate[] {
  return (pem.match(PEM) ?? []).flatMap((each) => {
    try {
      return [new X509Certificate(each)];
    } catch {
      return [];
    }
  });
}

function daysLeft(certificate: X509Certificate, wallMs: number): number {
  return Math.max(0, Math.floor((Date.parse(certificate.validTo) - wallMs) / DAY_MS));
}

const FORMS: Readonly<Record<string, string>> = { URI: 'uri', DNS: 'dns', 'IP Address': 'ip_address' };

/** `URI:spiffe://a, DNS:b` → `[{uri}, {dns}]`. */
function alternativeNames(text: string): readonly Record<string, string>[] {
  return text.split(', ').flatMap((part) => {
    const colon = part.indexOf(':');
    const form = FORMS[part.slice(0, colon)];
    return form === undefined ? [] : [{ [form]: part.slice(colon + 1) }];
  });
}
