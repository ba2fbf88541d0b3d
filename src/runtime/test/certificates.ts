/** Certificates for tests, made anew in each process: an authority, and leaves with whatever is wrong about them. */
import 'reflect-metadata';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  X509Certificate,
} from '@peculiar/x509';
import type { TlsIdentity } from '../../core/runtime.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const HOUR_MS = 3_600_000;
export const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
export const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';

export interface LeafOptions {
  /** Default: `test`. */
  readonly commonName?: string;
  readonly uris?: readonly string[];
  readonly dnsNames?: readonly string[];
  /** Relative to now. */
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
  readonly usages?: readonly string[];
}

export interface Authority {
  readonly rootPem: string;
  /** An identity with a leaf of this authority that trusts `trustBundlePem` (by default its own root). */
  issue(options?: LeafOptions, trustBundlePem?: string): Promise<TlsIdentity>;
}

export async function createAuthority(name: string): Promise<Authority> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const root = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: `CN=${name}`,
    notBefore: new Date(Date.now() - 48 * HOUR_MS),
    notAfter: new Date(Date.now() + 48 * HOUR_MS),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, 1, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  const rootPem = root.toString('pem');
  return { rootPem, issue: (options = {}, trust = rootPem) => issueLeaf(root, keys.privateKey, options, trust) };
}

/** One that exists, such as the issuing key of a mesh; its certificate goes along in every chain. */
export async function loadAuthority(certificatePem: string, privateKeyPem: string): Promise<Authority> {
  const certificate = new X509Certificate(certificatePem);
  const der = PemConverter.decodeFirst(privateKeyPem);
  const key = await crypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
  const issue: Authority['issue'] = async (options = {}, trust = certificatePem) => {
    const leaf = await issueLeaf(certificate, key, options, trust);
    return { ...leaf, certificateChainPem: leaf.certificateChainPem + certificatePem };
  };
  return { rootPem: certificatePem, issue };
}

/** An end that presents no certificate. */
export function anonymous(trustBundlePem: string): TlsIdentity {
  return { certificateChainPem: '', privateKeyPem: '', trustBundlePem };
}

async function issueLeaf(
  root: X509Certificate,
  signingKey: CryptoKey,
  options: LeafOptions,
  trust: string,
): Promise<TlsIdentity> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const names = [
    ...(options.uris ?? []).map((value) => ({ type: 'url' as const, value })),
    ...(options.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value })),
  ];
  const extensions: Extension[] = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([...(options.usages ?? [CLIENT_AUTH, SERVER_AUTH])]),
  ];
  if (names.length > 0) extensions.push(new SubjectAlternativeNameExtension(names, true));
  const leaf = await X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: `CN=${options.commonName ?? 'test'}`,
    issuer: root.subject,
    notBefore: new Date(Date.now() + (options.notBeforeMs ?? -HOUR_MS)),
    notAfter: new Date(Date.now() + (options.notAfterMs ?? HOUR_MS)),
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: ALGORITHM,
    extensions,
  });
  const privateKey = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    certificateChainPem: `${leaf.toString('pem')}\n`,
    privateKeyPem: PemConverter.encode(privateKey, 'PRIVATE KEY'),
    trustBundlePem: trust,
  };
}

function serial(): string {
  return Buffer.from(
    crypto.getRandomValues(new Uint8Array(8)).map((byte, i) => (i === 0 ? (byte & 0x3f) | 0x40 : byte)),
  ).toString('hex');
}
