/**
 * The numbers that a workload takes on its host, in blocks of eight. Whoever listens on the first port of a block owns
 * it, and the kernel decides who that is: agents that start at the same moment never agree on the same port.
 */
import { isWeftError, WeftError } from '../core/errors.ts';
import type { Address, Connection, ConnectionHandler, Listener, Net, Random } from '../core/runtime.ts';

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Inbound listeners, explicit proxy and admin endpoint; below the ephemeral ports of Linux. */
export const PROXY_PORTS: PortRange = { first: 15_000, last: 19_999 };

const BLOCK = 8;
const LOCK_HOST = '127.0.0.1';

type Greet = (connection: Connection) => ConnectionHandler;

export interface ReservedPorts {
  /** Free when they were looked at, on all addresses. */
  readonly ports: readonly number[];
  /** First ports of the blocks, to be asked for again after a restart. */
  readonly blocks: readonly number[];
  release(): Promise<void>;
}

/**
 * Holds as many blocks as `count` ports need, those of `kept` first. Rejects with `address-in-use` when none is left.
 * `greet`: what those who connect to a block's first port meet; unset: they are cut off.
 */
export async function reservePorts(
  net: Net,
  random: Random,
  range: PortRange,
  count: number,
  kept: readonly number[],
  greet: Greet = cutOff,
): Promise<ReservedPorts> {
  const locks: Listener[] = [];
  const blocks: number[] = [];
  const ports: number[] = [];
  const release = async (): Promise<void> => void (await Promise.all(locks.map((lock) => lock.close())));
  for (const first of candidates(range, random, kept)) {
    if (ports.length >= count) return { ports, blocks, release };
    const lock = await tryListen(net, { host: LOCK_HOST, port: first }, greet);
    if (lock === null) continue;
    locks.push(lock);
    blocks.push(first);
    for (let port = first + 1; port < first + BLOCK && ports.length < count; port += 1)
      if (await isFree(net, port)) ports.push(port);
  }
  if (ports.length >= count) return { ports, blocks, release };
  await release();
  throw new WeftError('address-in-use', {
    what: `there are no ${count} free ports for the sidecar`,
    where: `${range.first}–${range.last}`,
    hint: 'Too many workloads run on this host',
  });
}

function* candidates(range: PortRange, random: Random, kept: readonly number[]): Generator<number> {
  const count = Math.floor((range.last - range.first + 1) / BLOCK);
  const start = Math.floor(random.next() * count);
  const inRange = kept.filter(
    (first) => first >= range.first && (first - range.first) % BLOCK === 0 && first < range.last,
  );
  yield* inRange;
  for (let i = 0; i < count; i += 1) {
    const first = range.first + ((start + i) % count) * BLOCK;
    if (!inRange.includes(first)) yield first;
  }
}

async function isFree(net: Net, port: number): Promise<boolean> {
  const listener = await tryListen(net, { host: '0.0.0.0', port });
  await listener?.close();
  return listener !== null;
}

/** Null when the address is taken. */
export async function tryListen(net: Net, at: Address, greet: Greet = cutOff): Promise<Listener | null> {
  try {
    return await net.listen(at, greet);
  } catch (error) {
    if (isWeftError(error, 'address-in-use')) return null;
    throw error;
  }
}

function cutOff(connection: Connection): ConnectionHandler {
  connection.destroy('this port is reserved');
  return IGNORE;
}

const IGNORE: ConnectionHandler = { onOpen() {}, onBytes() {}, onDrained() {}, onEnd() {}, onClose() {} };
