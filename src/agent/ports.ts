/**
 * The numbers that a workload takes on its host. Whether one is free is decided by the kernel alone, so that many
 * agents that start at once never agree on the same one.
 */
import { isWeftError, WeftError } from '../core/errors.ts';
import type { Address, ConnectionHandler, Listener, Net, Random } from '../core/runtime.ts';
import { NETWORK_LOCK, networkAddress, VIP_PORTS, type VipNetwork } from '../capture/vip.ts';

/** Inbound ports of sidecars, below the ephemeral ports of Linux. */
const PROXY_PORTS = { first: 15_000, last: 19_999 } as const;
const MAX_TRIES = 2_000;
const NETWORKS = 254 * 254;
const MAX_NETWORK_TRIES = 500;

/** `count` different free ports for sidecar listeners on `host`; `kept` ones come first, as long as they are free. */
export function chooseProxyPorts(net: Net, random: Random, host: string, count: number, kept: readonly number[]) {
  return choosePorts(net, random, host, count, PROXY_PORTS, kept);
}

/** As `chooseProxyPorts`, on 127.0.0.1, in the range of virtual ports. */
export function chooseVipPorts(net: Net, random: Random, count: number, kept: readonly number[]) {
  return choosePorts(net, random, '127.0.0.1', count, VIP_PORTS, kept);
}

async function choosePorts(
  net: Net,
  random: Random,
  host: string,
  count: number,
  range: { readonly first: number; readonly last: number },
  kept: readonly number[],
): Promise<readonly number[]> {
  const size = range.last - range.first + 1;
  const start = Math.floor(random.next() * size);
  const tries = function* (): Generator<number> {
    yield* kept;
    for (let i = 0; i < Math.min(size, MAX_TRIES); i += 1) yield range.first + ((start + i) % size);
  };
  const held: Listener[] = [];
  const taken = new Set<number>();
  try {
    for (const port of tries()) {
      if (taken.size === count) break;
      if (taken.has(port)) continue;
      const listener = await tryListen(net, { host, port });
      if (listener === null) continue;
      held.push(listener);
      taken.add(port);
    }
  } finally {
    await Promise.all(held.map((listener) => listener.close()));
  }
  if (taken.size === count) return [...taken];
  throw new WeftError('address-in-use', {
    what: `fewer than ${count} free ports for the sidecar`,
    where: `${host}:${range.first}–${range.last}`,
  });
}

export interface ReservedNetwork {
  readonly network: VipNetwork;
  /** Gives the network back. */
  release(): Promise<void>;
}

/**
 * A 127.x.y.0/24 of this workload's own, for as long as it holds the lock; `kept` first. Null where the platform has
 * no addresses beside 127.0.0.1. Rejects with `limit-exceeded` when hundreds in a row are taken.
 */
export async function reserveNetwork(
  net: Net,
  random: Random,
  kept: VipNetwork | null,
): Promise<ReservedNetwork | null> {
  const start = Math.floor(random.next() * NETWORKS);
  for (let i = kept === null ? 0 : -1; i < MAX_NETWORK_TRIES; i += 1) {
    const index = (start + i) % NETWORKS;
    const network = i === -1 && kept !== null ? kept : { x: 1 + Math.floor(index / 254), y: 1 + (index % 254) };
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
    what: `no free loopback network after ${MAX_NETWORK_TRIES} tries`,
    where: `port ${NETWORK_LOCK.port} of 127.x.y.254`,
    hint: 'Does another program listen on this port on all addresses?',
  });
}

async function tryListen(net: Net, at: Address): Promise<Listener | null> {
  try {
    return await net.listen(at, (connection) => {
      connection.destroy('reserved');
      return IGNORE;
    });
  } catch (error) {
    if (isWeftError(error, 'address-in-use')) return null;
    throw error;
  }
}

const IGNORE: ConnectionHandler = { onOpen() {}, onBytes() {}, onDrained() {}, onEnd() {}, onClose() {} };
