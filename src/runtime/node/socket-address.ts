/** The two ends of a socket as addresses, and an address as Node's `listen` and `connect` want it. */
import { chmodSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Address } from '../../core/runtime.ts';
import { isUnixPath } from '../../core/unix-path.ts';

export function placeOf(at: Address): { readonly path: string } | { readonly host: string; readonly port: number } {
  return isUnixPath(at.host) ? { path: at.host } : { host: at.host, port: at.port };
}

/** A bound path, of a Unix socket, is its owner's alone. */
export function keepPrivate(bound: Address): void {
  if (isUnixPath(bound.host)) chmodSync(bound.host, 0o600);
}

/** Of an end that is not known yet, or no longer. */
export const UNKNOWN_ADDRESS: Address = { host: '0.0.0.0', port: 0 };

export function localOf(socket: Socket): Address {
  return { host: plainHost(socket.localAddress), port: socket.localPort ?? 0 };
}

export function remoteOf(socket: Socket): Address {
  return { host: plainHost(socket.remoteAddress), port: socket.remotePort ?? 0 };
}

/** A dual-stack listener names IPv4 peers as mapped IPv6 addresses; policies mean the IPv4 address. */
function plainHost(host: string | undefined): string {
  if (host === undefined) return UNKNOWN_ADDRESS.host;
  return host.startsWith('::ffff:') && host.includes('.') ? host.slice(7) : host;
}
