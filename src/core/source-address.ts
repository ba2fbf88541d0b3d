/** Which of several addresses of this machine a connection comes from: alike on real sockets and in simulation. */
import type { Address, SocketOptions } from './runtime.ts';

/** The first of the destination's family, else the first, which the system refuses by its own words; null: none is said. */
export function sourceFor(to: Address, how: SocketOptions | undefined): Address | null {
  if (how === undefined) return null;
  const isV6 = to.host.includes(':');
  return how.sources.find(({ host }) => host.includes(':') === isV6) ?? how.sources[0] ?? null;
}
