/** The identity of an endpoint across updates, and its name in logs. */
import type { EndpointAddress } from './snapshot.ts';

/** `host:port`, `[v6]:port` or `internal:NAME`. */
export function keyOf(address: EndpointAddress): string {
  if (address.kind === 'internal') return `internal:${address.listener}`;
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}
