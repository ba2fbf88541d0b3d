/**
 * The CA's keys and certificates on disk. They are written once; whatever is unreadable, incomplete or does not fit
 * together stops the start, because a CA that is silently replaced cuts every workload off from every other.
 */
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { isWeftError, messageOf, WeftError } from '../../core/errors.ts';
import type { Files } from '../../core/runtime.ts';
import { loadSigningKey, type SigningKey } from '../../identity/key-maker.ts';
import type { Issuer } from './certificate-writer.ts';

const SECRET_MODE = 0o600;
const NAMES = ['root.key', 'root.crt', 'issuing.key', 'issuing.crt'] as const;

export interface CaKeys {
  readonly root: Issuer;
  readonly issuing: Issuer;
}

/** Null when the directory has none of the four files: a first start. Throws `invalid` for anything in between. */
export async function readCa(files: Files, directory: string): Promise<CaKeys | null> {
  const texts = await Promise.all(NAMES.map((name) => readText(files, join(directory, name))));
  if (texts.every((text) => text === null)) return null;
  const missing = NAMES.filter((_, index) => texts[index] === null);
  if (missing.length > 0) throw broken(directory, `${missing.join(', ')} is missing beside the others`);
  const [rootKey, rootCrt, issuingKey, issuingCrt] = texts.map((text) => text ?? '');
  return {
    root: pair(directory, 'root', rootKey ?? '', rootCrt ?? ''),
    issuing: pair(directory, 'issuing', issuingKey ?? '', issuingCrt ?? ''),
  };
}

/** The certificates go last, so that no certificate is ever without its key. */
export async function writeCa(files: Files, directory: string, keys: CaKeys): Promise<void> {
  await writeText(files, join(directory, 'root.key'), keys.root.key.privateKeyPem);
  await writeText(files, join(directory, 'issuing.key'), keys.issuing.key.privateKeyPem);
  await writeText(files, join(directory, 'root.crt'), keys.root.certificate.toString());
  await writeIssuingCertificate(files, directory, keys.issuing.certificate);
}

/** The issuing certificate alone is replaced in its life, atomically and for the same key. */
export function writeIssuingCertificate(files: Files, directory: string, certificate: X509Certificate): Promise<void> {
  return writeText(files, join(directory, 'issuing.crt'), certificate.toString());
}

/** Throws `invalid` unless the files are one CA of this trust domain that is valid now. */
export function checkCa(directory: string, keys: CaKeys, trustDomain: string, wallMs: number): void {
  const { root, issuing } = keys;
  const expected = `URI:spiffe://${trustDomain}`;
  if (root.certificate.subjectAltName !== expected) {
    throw broken(
      directory,
      `root.crt is for ${root.certificate.subjectAltName ?? 'no trust domain'}, expected ${expected}`,
    );
  }
  if (!root.certificate.ca || !root.certificate.verify(root.certificate.publicKey)) {
    throw broken(directory, 'root.crt is not a self-signed CA certificate');
  }
  if (!issuing.certificate.ca || !issuing.certificate.verify(root.certificate.publicKey)) {
    throw broken(directory, 'issuing.crt is not signed by root.crt');
  }
  if (wallMs >= root.certificate.validToDate.getTime()) {
    throw broken(directory, `root.crt expired at ${root.certificate.validTo}`);
  }
  if (wallMs < root.certificate.validFromDate.getTime()) {
    throw broken(
      directory,
      `root.crt is valid from ${root.certificate.validFrom}: is the clock of this machine right?`,
    );
  }
}

function pair(directory: string, name: string, keyPem: string, certificatePem: string): Issuer {
  const key = attempt(directory, `${name}.key`, () => loadSigningKey(keyPem));
  const certificate = attempt(directory, `${name}.crt`, () => new X509Certificate(certificatePem));
  if (!matches(certificate, key)) throw broken(directory, `${name}.crt is not for ${name}.key`);
  return { key, certificate };
}

function matches(certificate: X509Certificate, key: SigningKey): boolean {
  return Buffer.from(key.publicKeySpki).equals(certificate.publicKey.export({ type: 'spki', format: 'der' }));
}

function attempt<T>(directory: string, name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw broken(directory, `${name} cannot be read (${messageOf(error)})`);
  }
}

async function readText(files: Files, path: string): Promise<string | null> {
  try {
    return Buffer.from(await files.read(path)).toString('utf8');
  } catch (error) {
    if (isWeftError(error, 'file-not-found')) return null;
    throw error;
  }
}

function writeText(files: Files, path: string, text: string): Promise<void> {
  return files.write(path, Buffer.from(text, 'utf8'), SECRET_MODE);
}

function broken(directory: string, why: string): WeftError {
  return new WeftError('invalid', {
    what: `the CA on disk cannot be used: ${why}`,
    where: directory,
    hint: 'Restore the directory from a backup; moving it away makes a new CA, and then every workload must enrol again',
  });
}
