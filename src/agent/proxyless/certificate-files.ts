/**
 * The workload's identity as files, for libraries that take no other. Chain and key are one file, which both settings of
 * the library name: renamed into place, so that no reader ever holds a key beside a certificate that is not its own.
 */
import { join } from 'node:path';
import { isWeftError, messageOf } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Files } from '../../core/runtime.ts';
import type { SidecarOptions } from '../sidecar.ts';
import type { CertificatePaths } from './bootstrap.ts';

/** Only this user's: whoever reads it is this workload. */
const SECRET_MODE = 0o600;

export interface CertificateFilesOptions extends Pick<SidecarOptions, 'svid' | 'trustBundlePem'> {
  readonly files: Files;
  readonly log: Log;
  /** Private to the user; made with 0700 when missing. */
  readonly directory: string;
}

export interface CertificateFiles {
  readonly paths: CertificatePaths;
  /** Writes no more, and takes the files away. */
  remove(): Promise<void>;
}

/** Resolves when they are there; later ones follow each renewal. Rejects as `Files.write` does. */
export async function keepCertificateFiles(options: CertificateFilesOptions): Promise<CertificateFiles> {
  const { files, log, directory, svid } = options;
  const paths = { identity: join(directory, 'identity.pem'), roots: join(directory, 'roots.pem') };
  let isOver = false;
  const write = async (): Promise<void> => {
    const current = svid.current();
    if (isOver || current === null) return;
    // Roots first: the next certificate may be of a new one.
    await files.write(paths.roots, utf8(options.trustBundlePem()), SECRET_MODE);
    await files.write(paths.identity, utf8(`${current.certificateChainPem}\n${current.privateKeyPem}`), SECRET_MODE);
  };
  await write();
  let last = Promise.resolve();
  const unsubscribe = svid.subscribe(() => {
    last = last.then(write).catch((error: unknown) => {
      log.error('the renewed certificate could not be written', { directory, reason: messageOf(error) });
    });
  });
  return {
    paths,
    async remove() {
      isOver = true;
      unsubscribe();
      await last;
      for (const path of Object.values(paths)) await removeIfThere(files, path);
    },
  };
}

async function removeIfThere(files: Files, path: string): Promise<void> {
  try {
    await files.remove(path);
  } catch (error) {
    if (!isWeftError(error, 'file-not-found')) throw error;
  }
}

function utf8(text: string): Uint8Array {
  return Buffer.from(text, 'utf8');
}
