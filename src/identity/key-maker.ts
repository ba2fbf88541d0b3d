/**
 * Key making and signing behind one interface, so that tests bring fixed keys and a hardware key can come later. Keys
 * are ECDSA P-256, the only type of the mesh.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { WeftError } from '../core/errors.ts';

export interface SigningKey {
  /** PKCS#8 PEM. */
  readonly privateKeyPem: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKeySpki: Uint8Array;
  /** ECDSA with SHA-256, the signature in DER (RFC 3279 2.2.3). */
  sign(bytes: Uint8Array): Uint8Array;
}

export interface KeyMaker {
  make(): SigningKey;
}

/** Keys by OpenSSL in this process. */
export const processKeyMaker: KeyMaker = {
  make() {
    return signingKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
  },
};

/** Throws `invalid` for anything but an ECDSA P-256 private key; the text of the key is in no message. */
export function loadSigningKey(privateKeyPem: string): SigningKey {
  let key: KeyObject;
  try {
    key = createPrivateKey(privateKeyPem);
  } catch {
    throw new WeftError('invalid', { what: 'private key cannot be read' });
  }
  if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new WeftError('invalid', { what: 'private key is not ECDSA P-256' });
  }
  return signingKey(key);
}

function signingKey(key: KeyObject): SigningKey {
  return {
    privateKeyPem: key.export({ type: 'pkcs8', format: 'pem' }),
    publicKeySpki: new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' })),
    sign: (bytes) => new Uint8Array(sign('sha256', bytes, key)),
  };
}
