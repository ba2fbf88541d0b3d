/** Makes and signs the certificates of the mesh: root, issuing and leaf. Nothing else in Weft writes X.509. */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import type { Random } from '../../core/runtime.ts';
import type { SigningKey } from '../../identity/key-maker.ts';
import { loadX509, type X509Library } from './x509-library.ts';

const ECDSA_P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const EKU_SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const EKU_CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const SERIAL_BYTES = 16;

export interface Validity {
  /** Milliseconds since the Unix epoch; seconds are what a certificate keeps. */
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface CaNames {
  readonly commonName: string;
  /** X509-SVID 3.1: a signing certificate names its trust domain, without a path. */
  readonly trustDomain: string;
}

export interface LeafNames {
  readonly commonName: string;
  /** The one SPIFFE id. */
  readonly uri: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
}

export interface Issuer {
  readonly key: SigningKey;
  readonly certificate: X509Certificate;
}

export async function writeRoot(
  random: Random,
  key: SigningKey,
  names: CaNames,
  validity: Validity,
): Promise<X509Certificate> {
  return writeCa(random, { key, certificate: null }, key.publicKeySpki, names, validity, 1);
}

export async function writeIssuing(
  random: Random,
  root: Issuer,
  key: SigningKey,
  names: CaNames,
  validity: Validity,
): Promise<X509Certificate> {
  return writeCa(random, root, key.publicKeySpki, names, validity, 0);
}

/** A leaf for client and server (X509-SVID 4.3, 4.4). `publicKeySpki`: the subject's key, checked by the caller. */
export async function writeLeaf(
  random: Random,
  issuer: Issuer,
  publicKeySpki: Uint8Array,
  names: LeafNames,
  validity: Validity,
): Promise<X509Certificate> {
  const library = await loadX509();
  const extensions = [
    new library.BasicConstraintsExtension(false, undefined, true),
    new library.KeyUsagesExtension(library.KeyUsageFlags.digitalSignature, true),
    new library.ExtendedKeyUsageExtension([EKU_SERVER_AUTH, EKU_CLIENT_AUTH], false),
    new library.SubjectAlternativeNameExtension([
      { type: 'url', value: names.uri },
      ...names.dnsNames.map((value) => ({ type: 'dns' as const, value })),
      ...names.ipAddresses.map((value) => ({ type: 'ip' as const, value })),
    ]),
  ];
  return write(library, random, issuer, publicKeySpki, names.commonName, validity, extensions);
}

async function writeCa(
  random: Random,
  issuer: { readonly key: SigningKey; readonly certificate: X509Certificate | null },
  publicKeySpki: Uint8Array,
  names: CaNames,
  validity: Validity,
  pathLength: number,
): Promise<X509Certificate> {
  const library = await loadX509();
  const flags = library.KeyUsageFlags;
  const extensions = [
    new library.BasicConstraintsExtension(true, pathLength, true),
    new library.KeyUsagesExtension(flags.keyCertSign | flags.cRLSign, true),
    new library.SubjectAlternativeNameExtension([{ type: 'url', value: `spiffe://${names.trustDomain}` }]),
  ];
  return write(library, random, issuer, publicKeySpki, names.commonName, validity, extensions);
}

type Extension = X509Library['Extension']['prototype'];

async function write(
  library: X509Library,
  random: Random,
  issuer: { readonly key: SigningKey; readonly certificate: X509Certificate | null },
  publicKeySpki: Uint8Array,
  commonName: string,
  validity: Validity,
  extensions: readonly Extension[],
): Promise<X509Certificate> {
  const subjectKey = new library.PublicKey(publicKeySpki);
  const issuerKey = new library.PublicKey(issuer.key.publicKeySpki);
  const subject = new library.Name([{ CN: [commonName] }]);
  const issuerName =
    issuer.certificate === null ? subject : new library.X509Certificate(issuer.certificate.raw).subjectName;
  const made = await library.X509CertificateGenerator.create({
    serialNumber: serialNumber(random),
    subject: subject.toJSON(),
    issuer: issuerName.toJSON(),
    notBefore: new Date(validity.notBefore),
    notAfter: new Date(validity.notAfter),
    signingAlgorithm: ECDSA_P256,
    publicKey: await importPublic(publicKeySpki),
    signingKey: await importPrivate(issuer.key),
    extensions: [
      ...extensions,
      await library.SubjectKeyIdentifierExtension.create(subjectKey),
      await library.AuthorityKeyIdentifierExtension.create(issuerKey),
    ],
  });
  return new X509Certificate(Buffer.from(made.rawData));
}

/** RFC 5280 4.1.2.2: positive and at most 20 octets. 126 random bits behind a fixed leading 01. */
function serialNumber(random: Random): string {
  const bytes = new Uint8Array(SERIAL_BYTES);
  random.fill(bytes);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return Buffer.from(bytes).toString('hex');
}

function importPrivate(key: SigningKey): Promise<CryptoKey> {
  const der = createPrivateKey(key.privateKeyPem).export({ type: 'pkcs8', format: 'der' });
  return globalThis.crypto.subtle.importKey('pkcs8', new Uint8Array(der), ECDSA_P256, false, ['sign']);
}

function importPublic(spki: Uint8Array): Promise<CryptoKey> {
  const der = createPublicKey({ key: Buffer.from(spki), type: 'spki', format: 'der' }).export({
    type: 'spki',
    format: 'der',
  });
  return globalThis.crypto.subtle.importKey('spki', new Uint8Array(der), ECDSA_P256, true, ['verify']);
}
