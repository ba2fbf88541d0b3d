/**
 * A CA of one root for tests of the agent, which may not know the control plane's: it certifies what it is asked, by
 * openssl-independent means.
 */
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import type { Certify } from './fake-control-plane.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const TRUST_DOMAIN = 'weft.local';

export async function createTestCa(): Promise<{ readonly rootPem: string; readonly certify: Certify }> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=test root',
    keys,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 86_400_000),
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.SubjectAlternativeNameExtension([{ type: 'url', value: `spiffe://${TRUST_DOMAIN}` }]),
    ],
  });
  const rootPem = root.toString('pem');
  const certify: Certify = async (csrPem, account, workload) => {
    const request = new x509.Pkcs10CertificateRequest(csrPem);
    const uri = `spiffe://${TRUST_DOMAIN}/ns/shop/sa/${account}`;
    const leaf = await x509.X509CertificateGenerator.create({
      subject: `CN=shop/${workload}`,
      issuer: root.subject,
      publicKey: request.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: ALGORITHM,
      notBefore: new Date(Date.now() - 30_000),
      notAfter: new Date(Date.now() + 3_600_000),
      extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'url', value: uri }])],
    });
    return {
      certificateChainPem: leaf.toString('pem'),
      trustBundlePem: rootPem,
      notAfter: leaf.notAfter.toISOString(),
      trustDomain: TRUST_DOMAIN,
      xds: '127.0.0.1:7444',
    };
  };
  return { rootPem, certify };
}
