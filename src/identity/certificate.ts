/**
 * Checks an SVID that a CA has sent: it must be for our key and name the id that was asked for. Nothing that is not
 * ours is presented to peers, whatever the control plane answers.
 */
import { createPublicKey, X509Certificate } from 'node:crypto';
import { WeftError } from '../core/errors.ts';
import type { SigningKey } from './key-maker.ts';
import { decodePem, encodePem } from './pem.ts';
import type { Svid } from './svid.ts';
import { parseTrustBundle } from './trust-bundle.ts';

const MAX_CHAIN = 8;

/** Throws `invalid` when the chain does not lead from our key and this id to a root of the bundle. */
export function assembleSvid(id: string, key: SigningKey, chainPem: string, trustBundlePem: string): Svid {
  const ders = decodePem('CERTIFICATE', chainPem);
  if (ders.length === 0 || ders.length > MAX_CHAIN) throw refused(id, `the chain has ${ders.length} certificates`);
  const chain = ders.map((der) => parse(id, der));
  const [leaf] = chain;
  if (leaf === undefined) throw refused(id, 'the chain is empty');
  if (leaf.subjectAltName !== `URI:${id}`)
    throw refused(id, `the certificate names ${leaf.subjectAltName ?? 'nobody'}`);
  if (!leaf.publicKey.equals(createPublicKey(key.privateKeyPem)))
    throw refused(id, 'the certificate is for another key');
  if (!leadsToRoot(chain, parseTrustBundle(trustBundlePem).roots))
    throw refused(id, 'the chain leads to no trusted root');
  return {
    id,
    certificateChainPem: ders.map((der) => encodePem('CERTIFICATE', der)).join(''),
    privateKeyPem: key.privateKeyPem,
    notBefore: leaf.validFromDate.getTime(),
    notAfter: leaf.validToDate.getTime(),
  };
}

function leadsToRoot(chain: readonly X509Certificate[], roots: readonly X509Certificate[]): boolean {
  const issued = chain.slice(1).every((issuer, index) => issuer.ca && signed(issuer, chain[index]));
  return issued && roots.some((root) => signed(root, chain.at(-1)));
}

function signed(issuer: X509Certificate, subject: X509Certificate | undefined): boolean {
  return subject !== undefined && subject.checkIssued(issuer) && subject.verify(issuer.publicKey);
}

function parse(id: string, der: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (cause) {
    throw new WeftError('invalid', { what: 'certificate from the control plane cannot be read', where: id, cause });
  }
}

function refused(id: string, why: string): WeftError {
  return new WeftError('invalid', { what: `certificate from the control plane is not ours: ${why}`, where: id });
}
