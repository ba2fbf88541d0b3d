/** The credential that `weft up` leaves in its state directory: where it listens, its CA and the administrator's token. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, WeftError } from '../../core/errors.ts';

export interface AdminFile {
  /** `https://host:port` */
  readonly server: string;
  /** `host:port` */
  readonly xds: string;
  /** `sha256:<hex>` of the root's DER. */
  readonly caHash: string;
  readonly caPem: string;
  readonly token: string;
}

/** Throws `unavailable` when no control plane ever ran there, `permission-denied` or `invalid` when the file cannot serve. */
export function readAdminFile(stateDir: string): AdminFile {
  const path = join(stateDir, 'admin.json');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw unreadable(path, error);
  }
  try {
    const value = JSON.parse(text) as Partial<Record<keyof AdminFile, unknown>>;
    const { server, xds, caHash, caPem, token } = value;
    if (typeof server === 'string' && typeof xds === 'string' && typeof caHash === 'string') {
      if (typeof caPem === 'string' && typeof token === 'string') return { server, xds, caHash, caPem, token };
    }
  } catch {
    // Reported below: what is not JSON is as wrong as what lacks a field.
  }
  throw new WeftError('invalid', {
    what: 'the credential of the control plane is damaged',
    where: path,
    hint: 'Start the control plane again, which writes it anew: weft up',
  });
}

function unreadable(path: string, error: unknown): WeftError {
  const code = error instanceof Error && 'code' in error ? error.code : '';
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new WeftError('unavailable', {
      what: 'no control plane has run with this state directory',
      where: path,
      hint: 'Start one with `weft up` or `weft dev`, or name its directory with --state-dir',
    });
  }
  return new WeftError('permission-denied', {
    what: `the credential of the control plane cannot be read: ${messageOf(error)}`,
    where: path,
    hint: 'Run the command as the user who runs the control plane',
    cause: error,
  });
}
