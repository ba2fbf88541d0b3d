/** A loopback network of the workload's own, for the virtual addresses of the services that it calls. */
import { isWeftError, WeftError } from '../core/errors.ts';
import type { Net, Random } from '../core/runtime.ts';
import { NETWORK_LOCK, networkAddress, type VipNetwork } from '../capture/vip.ts';
import { tryListen } from './port-blocks.ts';

const NETWORKS = 254 * 254;
const MAX_TRIES = 500;

export interface ReservedNetwork {
  readonly network: VipNetwork;
  /** Gives the network back. */
  release(): Promise<void>;
}

/**
 * A 127.x.y.0/24, for as long as its lock is held; `kept` first. Null where the platform has no addresses beside
 * 127.0.0.1. Rejects with `limit-exceeded` when hundreds in a row are taken.
 */
export async function reserveNetwork(
  net: Net,
  random: Random,
  kept: VipNetwork | null,
): Promise<ReservedNetwork | null> {
  for (const network of candidates(random, kept)) {
    const lock = { host: networkAddress(network, NETWORK_LOCK.host), port: NETWORK_LOCK.port };
    try {
      const listener = await tryListen(net, lock);
      if (listener !== null) return { network, release: () => listener.close() };
    } catch (error) {
      // EADDRNOTAVAIL: macOS has 127.0.0.1 and nothing else.
      if (isWeftError(error, 'io')) return null;
      throw error;
    }
  }
  throw new WeftError('limit-exceeded', {
    what: `no free loopback network after ${MAX_TRIES} tries`,
    where: `port ${NETWORK_LOCK.port} of 127.x.y.${NETWORK_LOCK.host}`,
    hint: 'Does another program listen on this port on all addresses?',
  });
}

function* candidates(random: Random, kept: VipNetwork | null): Generator<VipNetwork> {
  if (kept !== null) yield kept;
  const start = Math.floor(random.next() * NETWORKS);
  for (let i = 0; i < MAX_TRIES; i += 1) {
    const index = (start + i) % NETWORKS;
    yield { x: 1 + Math.floor(index / 254), y: 1 + (index % 254) };
  }
}
