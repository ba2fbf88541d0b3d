/**
 * `admin.json` in the state directory: where the control plane listens, its CA and the administrator's token, for the
 * CLI of the same user. The token outlives restarts, so that a kubeconfig made from it does too.
 */
import { join } from 'node:path';
import { isWeftError, WeftError } from '../core/errors.ts';
import type { Files, Random } from '../core/runtime.ts';

export interface AdminFile {
  readonly server: string;
  readonly xds: string;
  readonly caHash: string;
  readonly caPem: string;
  readonly token: string;
}

const TOKEN_BYTES = 32;
const TOKEN = /^[A-Za-z0-9_-]{43}$/;

/** The token of the last run, or a new one. Throws `invalid` when the file is not ours to overwrite. */
export async function adminToken(files: Files, random: Random, stateDir: string): Promise<string> {
  const path = adminFilePath(stateDir);
  let text: string;
  try {
    text = new TextDecoder().decode(await files.read(path));
  } catch (error) {
    if (!isWeftError(error, 'file-not-found')) throw error;
    const secret = new Uint8Array(TOKEN_BYTES);
    random.fill(secret);
    return Buffer.from(secret).toString('base64url');
  }
  const token = readToken(text);
  if (token !== null) return token;
  throw new WeftError('invalid', {
    what: 'the credential file is damaged',
    where: path,
    hint: 'Move it away; the next start makes a new one, with a new token',
  });
}

export function writeAdminFile(files: Files, stateDir: string, admin: AdminFile): Promise<void> {
  const bytes = new TextEncoder().encode(`${JSON.stringify(admin, null, 2)}\n`);
  return files.write(adminFilePath(stateDir), bytes, 0o600);
}

function readToken(text: string): string | null {
  try {
    const { token } = JSON.parse(text) as { token?: unknown };
    return typeof token === 'string' && TOKEN.test(token) ? token : null;
  } catch {
    return null;
  }
}

function adminFilePath(stateDir: string): string {
  return join(stateDir, 'admin.json');
}
