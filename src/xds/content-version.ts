/** Versions by content: equal bytes have equal versions on every replica and after every restart, so a reconnect sends almost nothing. */
import { hash } from 'node:crypto';
import type { Origin } from '../api/resource.ts';
import type { TypeUrl, XdsResource } from './resource.ts';

/** 128 bits of SHA-256, as 22 characters of base64url. */
export function contentVersion(bytes: Uint8Array): string {
  return shortened(hash('sha256', bytes, 'buffer'));
}

/** The version of several together, in order of name. */
export function setVersion(resources: readonly XdsResource[]): string {
  const text = JSON.stringify(resources.map(({ name, version }) => [name, version]));
  return shortened(hash('sha256', text, 'buffer'));
}

/** Of the bytes: a slice of the longer text would keep all of it in memory, for each of very many resources. */
function shortened(digest: Buffer): string {
  return digest.toString('base64url', 0, 16);
}

export function xdsResource(
  type: TypeUrl,
  name: string,
  bytes: Uint8Array,
  origins: readonly Origin[] = [],
  aliases: readonly string[] = [],
): XdsResource {
  const version = contentVersion(bytes);
  if (aliases.length === 0) return { type, name, version, bytes, origins };
  const whole = contentVersion(new TextEncoder().encode(JSON.stringify([version, aliases])));
  return { type, name, version: whole, bytes, origins, aliases };
}
