/**
 * The header of the PROXY protocol that a connection to an upstream begins with: whose request it carries, and where that
 * was meant to go (haproxy.org/download/3.2/doc/proxy-protocol.txt).
 */
import { addressBytes } from '../../core/address-range.ts';
import type { Address } from '../../core/runtime.ts';

export interface Ends {
  readonly source: Address;
  readonly destination: Address;
}

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const VERSION_2 = 0x20;
const LOCAL = 0;
const PROXY = 1;

/** `ends` null: nobody stands behind the connection, as of a health check. Ends that TCP does not have are not told. */
export function announcement(version: 1 | 2, ends: Ends | null): Uint8Array {
  const source = ends === null ? null : addressBytes(ends.source.host);
  const destination = ends === null ? null : addressBytes(ends.destination.host);
  if (ends === null || source === null || destination === null || source.length !== destination.length) {
    return version === 1 ? Buffer.from('PROXY UNKNOWN\r\n', 'latin1') : binary(LOCAL, 0, []);
  }
  const { source: from, destination: to } = ends;
  if (version === 2) {
    const ports = [from.port >> 8, from.port & 0xff, to.port >> 8, to.port & 0xff];
    return binary(PROXY, source.length === 4 ? 0x11 : 0x21, [...source, ...destination, ...ports]);
  }
  const family = source.length === 4 ? 'TCP4' : 'TCP6';
  return Buffer.from(`PROXY ${family} ${from.host} ${to.host} ${from.port} ${to.port}\r\n`, 'latin1');
}

function binary(command: number, family: number, body: readonly number[]): Uint8Array {
  return Buffer.concat([SIGNATURE, Buffer.from([VERSION_2 | command, family, 0, body.length, ...body])]);
}
