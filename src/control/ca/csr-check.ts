/**
 * Reads a certification request from the network: only its key is taken, after the signature has proved that the
 * sender owns it. Every name in it is ignored; the token or the current SVID decides those.
 */
import { createPublicKey } from 'node:crypto';
import { messageOf, WeftError } from '../../core/errors.ts';
import { decodePem } from '../../identity/pem.ts';
import { loadX509 } from './x509-library.ts';

/** Ours is about 400 bytes of DER. */
const MAX_CSR_CHARS = 8192;

/** The subject's key as SubjectPublicKeyInfo. Throws `invalid` with the reason. */
export async function checkCsr(pem: string): Promise<Uint8Array> {
  if (pem.length > MAX_CSR_CHARS) throw refused(`longer than ${MAX_CSR_CHARS} characters`);
  const blocks = decodePem('CERTIFICATE REQUEST', pem);
  const [der] = blocks;
  if (der === undefined || blocks.length > 1) throw refused(`${blocks.length} PEM blocks instead of one`);
  const { Pkcs10CertificateRequest } = await loadX509();
  try {
    const request = new Pkcs10CertificateRequest(der);
    const spki = new Uint8Array(request.publicKey.rawData);
    if (!isP256(spki)) throw refused('the key is not ECDSA P-256');
    if (!(await request.verify())) throw refused('the signature is not by the key');
    return spki;
  } catch (error) {
    if (error instanceof WeftError) throw error;
    throw new WeftError('invalid', { what: `certificate request cannot be read: ${messageOf(error)}`, cause: error });
  }
}

function isP256(spki: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.from(spki), type: 'spki', format: 'der' });
  return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
}

function refused(why: string): WeftError {
  return new WeftError('invalid', {
    what: `certificate request refused: ${why}`,
    hint: 'Send one PEM block CERTIFICATE REQUEST with an ECDSA P-256 key',
  });
}
