/** `HOST[:PORT]` on the command line; the host is an IP literal, because a listener binds an address, not a name. */
import { isIP } from 'node:net';
import type { Address } from '../../core/runtime.ts';
import { UsageError } from '../exit-codes.ts';

export function parseAddress(flag: string, text: string, defaultPort: number): Address {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const named = bracketed ?? plain ?? (isIP(text) === 6 ? text : '');
  const host = named === 'localhost' ? '127.0.0.1' : named;
  const number = port === undefined ? defaultPort : Number(port);
  if (isIP(host) === 0 || number > 65_535) {
    throw new UsageError(
      `${flag} ${text} is not an IP address with an optional port`,
      `For example: ${flag} 0.0.0.0:${defaultPort}`,
    );
  }
  return { host, port: number };
}

export function addressText({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
