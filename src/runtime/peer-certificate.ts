/**
 * What policies need of a verified certificate. Subject alternative names are read from the DER: the text form that
 * Node makes of them joins all names with commas and quotes some, and identities hang on them.
 */
import { hash, type X509Certificate } from 'node:crypto';
import { latin1Of } from '../core/bytes.ts';
import type { PeerCertificate } from '../core/runtime.ts';
import { type DerValue, derChildren, derValue } from './der.ts';

const SEQUENCE = 0x30;
const OID = 0x06;
const OCTET_STRING = 0x04;
/** TBSCertificate.extensions, RFC 5280 section 4.1. */
const EXTENSIONS = 0xa3;
/** GeneralName, RFC 5280 section 4.2.1.6. */
const DNS_NAME = 0x82;
const URI = 0x86;
/** 2.5.29.17 */
const SUBJECT_ALT_NAME = '\x55\x1d\x11';
/** 2.5.4.3 */
const COMMON_NAME = '\x55\x04\x03';
/** TBSCertificate.version; absent in version 1. */
const VERSION = 0xa0;
/** After the version come serial, signature, issuer, validity, subject. */
const SUBJECT = 4;

/** Throws when the certificate is not well-formed DER. */
export function readPeerCertificate(certificate: X509Certificate, withKeyDigest = false): PeerCertificate {
  const uris: string[] = [];
  const dnsNames: string[] = [];
  for (const name of generalNames(certificate.raw)) {
    if (name.tag === URI) uris.push(latin1Of(name.content));
    else if (name.tag === DNS_NAME) dnsNames.push(latin1Of(name.content));
  }
  return {
    uris,
    dnsNames,
    commonName: commonName(certificate.raw),
    notAfter: certificate.validToDate.getTime(),
    serialNumber: certificate.serialNumber,
    ...(withKeyDigest ? { keyDigest: keyDigest(certificate) } : {}),
    // Node names them keyUsage; they are the OIDs of the extended key usage extension.
    extendedKeyUsages: (certificate.keyUsage as readonly string[] | undefined) ?? [],
    shown: {
      subject: nameText(certificate.subject),
      issuer: nameText(certificate.issuer),
      fingerprint256: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
      notBefore: certificate.validFromDate.getTime(),
    },
  };
}

/** Node writes a part a line, the least specific first; unset when there is none. */
function nameText(lines: string | undefined): string {
  return lines === undefined ? '' : lines.split('\n').toReversed().join(',');
}

function keyDigest({ publicKey }: X509Certificate): string {
  return hash('sha256', publicKey.export({ type: 'spki', format: 'der' }), 'base64');
}

function commonName(der: Uint8Array): string {
  const [tbs] = derChildren(derValue(der, SEQUENCE));
  if (tbs === undefined) return '';
  const fields = derChildren(tbs.content).filter((value) => value.tag !== VERSION);
  const names: string[] = [];
  for (const set of derChildren(fields[SUBJECT]?.content ?? new Uint8Array())) {
    for (const attribute of derChildren(set.content)) {
      const [id, value] = derChildren(attribute.content);
      if (id?.tag === OID && latin1Of(id.content) === COMMON_NAME && value !== undefined)
        names.push(latin1Of(value.content));
    }
  }
  return names.length === 1 ? (names[0] ?? '') : '';
}

function generalNames(der: Uint8Array): readonly DerValue[] {
  const [tbs] = derChildren(derValue(der, SEQUENCE));
  if (tbs === undefined) return [];
  const extensions = derChildren(tbs.content).find((value) => value.tag === EXTENSIONS);
  if (extensions === undefined) return [];
  const names: DerValue[] = [];
  for (const extension of derChildren(derValue(extensions.content, SEQUENCE))) {
    const [id, ...rest] = derChildren(extension.content);
    if (id === undefined || id.tag !== OID || latin1Of(id.content) !== SUBJECT_ALT_NAME) continue;
    const value = rest.find((part) => part.tag === OCTET_STRING);
    if (value !== undefined) names.push(...derChildren(derValue(value.content, SEQUENCE)));
  }
  return names;
}
