/**
 * What seals the TLS sessions of proxies, so that a control plane that was restarted resumes them: a thousand reconnects
 * without a signature. The secret lies beside the CA's keys, for the same user alone; the key is derived from it for the
 * trust bundle of now, since a ticket stands for a certificate that was verified against it, and for this week.
 */
import { hkdfSync } from 'node:crypto';
import { join } from 'node:path';
import { isWeftError } from '../../core/errors.ts';
import type { Files, Random, SessionTickets } from '../../core/runtime.ts';

const SECRET_BYTES = 32;
const KEY_BYTES = 48;
const DAY_MS = 24 * 3_600_000;
const WEEK_MS = 7 * DAY_MS;

/** That of the last run, or a new one: a damaged one costs nothing but full handshakes. */
export async function ticketSecret(files: Files, random: Random, stateDir: string): Promise<Uint8Array> {
  const path = join(stateDir, 'ca', 'session-tickets.key');
  const known = await read(files, path);
  if (known?.length === SECRET_BYTES) return known;
  const secret = new Uint8Array(SECRET_BYTES);
  random.fill(secret);
  await files.write(path, secret, 0o600);
  return secret;
}

async function read(files: Files, path: string): Promise<Uint8Array | null> {
  try {
    return await files.read(path);
  } catch (error) {
    if (isWeftError(error, 'file-not-found')) return null;
    throw error;
  }
}

/** Another trust bundle or another week, another key: what was sealed before begins with a full handshake. */
export function sessionTickets(secret: Uint8Array, trustBundlePem: string, wallMs: number): SessionTickets {
  const info = `weft xds session tickets, week ${Math.floor(wallMs / WEEK_MS)}`;
  return { key: new Uint8Array(hkdfSync('sha256', secret, trustBundlePem, info, KEY_BYTES)), lifetimeMs: DAY_MS };
}
