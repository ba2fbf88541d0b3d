/** A root and server certificates of it, made for one test run. */
import type * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const HOUR_MS = 3_600_000;

export interface TestIdentity {
  readonly certificateChainPem: string;
  readonly privateKeyPem: string;
}

export interface TestRoot {
  readonly pem: string;
  readonly der: Uint8Array;
  issue(uri: string): Promise<TestIdentity>;
}

export async function makeRoot(): Promise<TestRoot> {
  await import('reflect-metadata');
  const library: typeof x509 = await import('@peculiar/x509');
  library.cryptoProvider.set(globalThis.crypto);
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const validity = {
    notBefore: new Date(Date.now() - HOUR_MS),
    notAfter: new Date(Date.now() + HOUR_MS),
    signingAlgorithm: ALGORITHM,
  };
  const root = await library.X509CertificateGenerator.createSelfSigned({
    name: 'CN=test root',
    keys,
    extensions: [new library.BasicConstraintsExtension(true, undefined, true)],
    ...validity,
  });
  return {
    pem: `${root.toString('pem')}\n`,
    der: new Uint8Array(root.rawData),
    async issue(uri) {
      const leafKeys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
      const leaf = await library.X509CertificateGenerator.create({
        subject: 'CN=leaf',
        issuer: root.subject,
        publicKey: leafKeys.publicKey,
        signingKey: keys.privateKey,
        extensions: [new library.SubjectAlternativeNameExtension([{ type: 'url', value: uri }])],
        ...validity,
      });
      const key = library.PemConverter.encode(
        await crypto.subtle.exportKey('pkcs8', leafKeys.privateKey),
        'PRIVATE KEY',
      );
      return { certificateChainPem: `${leaf.toString('pem')}\n`, privateKeyPem: key };
    },
  };
}
