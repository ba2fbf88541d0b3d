/** Secrets as rows: certificates and until when they hold. Keys are not shown, whoever holds them. */
import { X509Certificate } from 'node:crypto';
import type { DataSource } from '../../../protos/gen/envoy/config/core/v3/base_pb.ts';
import type { Secret } from '../../../protos/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts';

export const SECRET_COLUMNS = ['SECRET', 'KIND', 'NAMES', 'VALID UNTIL'] as const;

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** A root each; of a certificate's chain the leaf alone. */
export function secretRows({ name, type }: Secret): string[][] {
  switch (type.case) {
    case 'validationContext':
      return certificateRows(name, 'root', pemOf(type.value.trustedCa));
    case 'tlsCertificate':
      return certificateRows(name, 'certificate', pemOf(type.value.certificateChain)).slice(0, 1);
    default:
      return [[name, type.case ?? '', '', '']];
  }
}

export function certificateRows(name: string, kind: string, pem: string): string[][] {
  const found = pem.match(PEM) ?? [];
  return found.length === 0 ? [[name, kind, '', '']] : found.map((each) => [name, kind, ...facts(each)]);
}

function facts(pem: string): [names: string, until: string] {
  try {
    // Absent names are undefined, whatever the types say.
    const { subjectAltName, subject, validToDate } = new X509Certificate(pem);
    const names = subjectAltName || subject || '';
    return [names.replaceAll('URI:', '').replaceAll('\n', ', '), validToDate.toISOString().replace(/\.\d+Z$/, 'Z')];
  } catch {
    return ['not readable', ''];
  }
}

function pemOf(source: DataSource | undefined): string {
  const { specifier } = source ?? {};
  if (specifier?.case === 'inlineBytes') return new TextDecoder().decode(specifier.value);
  return specifier?.case === 'inlineString' ? specifier.value : '';
}
