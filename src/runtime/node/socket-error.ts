/** The one place where errors of Node's sockets become Weft's words. */
import { messageOf, WeftError } from '../../core/errors.ts';
import type { Address } from '../../core/runtime.ts';
import { isUnixPath } from '../../core/unix-path.ts';
import { tlsReason } from '../tls-reason.ts';

export function textOfAddress(address: Address): string {
  if (isUnixPath(address.host)) return address.host;
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : messageOf(error);
}

/** Why `listen` or a datagram bind failed. */
export function bindError(error: unknown, at: Address): WeftError {
  const where = textOfAddress(at);
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return new WeftError('address-in-use', {
        what: 'The address is in use by another process',
        where,
        hint: 'Stop that process or choose another port',
        cause: error,
      });
    case 'EACCES':
      return new WeftError('permission-denied', {
        what: 'Not allowed to listen on the address',
        where,
        hint: 'Ports below 1024 need privileges; choose a higher one',
        cause: error,
      });
    case 'EADDRNOTAVAIL':
      return new WeftError('io', { what: 'The address does not belong to this host', where, cause: error });
    default:
      return new WeftError('io', { what: `Cannot listen: ${messageOf(error)}`, where, cause: error });
  }
}

/** The reason of a connection that failed or broke: `connect: ECONNREFUSED 127.0.0.1:1`, `read: ECONNRESET`. */
export function reasonOf(error: unknown, remote: Address, connecting: boolean): string {
  const code = codeOf(error);
  if (connecting) return `connect: ${code} ${textOfAddress(remote)}`;
  // A TLS 1.3 client may be open when the server's refusal of its certificate arrives.
  if (code.startsWith('ERR_SSL_')) return tlsReason(code);
  const call = (error as { syscall?: unknown } | null)?.syscall;
  return `${typeof call === 'string' ? call : 'connection'}: ${code}`;
}
