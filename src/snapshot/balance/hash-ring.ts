/**
 * Consistent hashing on a ring (ketama): every host has points in proportion to its weight, a request belongs to the
 * first point after its hash, and a host that leaves gives up its own requests only.
 */
import { bytesOf } from '../../core/bytes.ts';
import { hash32 } from '../../core/hash.ts';
import { type BalanceHost, isAccepted, isAvoided, type PickFacts } from './balancer.ts';

export interface HashRing {
  /** Ascending. */
  readonly points: Uint32Array;
  /** By point: index into the hosts. */
  readonly owners: Uint32Array;
  /** By the highest bits of a hash: the first point that is not below all hashes that begin so. */
  readonly starts: Uint32Array;
  /** How many bits of a hash are not among those. */
  readonly shift: number;
}

export const NO_RING: HashRing = {
  points: new Uint32Array(0),
  owners: new Uint32Array(0),
  starts: new Uint32Array(2),
  shift: 31,
};

/** Hash and owner sort as one number: 32 bits above 20. */
const OWNERS = 2 ** 20;
/** Points of the lightest host, for shares that are even to a tenth. */
const LIGHTEST_POINTS = 128;
/** Points that are looked at for one that may be picked, before the hosts themselves are. */
const MAX_STEPS = 4_096;

/**
 * By `weights`, in step with the hosts; 0: no points.
 * Envoy spreads a fixed number of points over the hosts, so that each host that joins or leaves changes the points of all
 * others. Here a host's points do not depend on how many others there are, unless the ring would be smaller than its
 * minimum or larger than its maximum; then they change by a power of two, and fewer are a subset of more.
 */
export function buildRing(
  hosts: readonly BalanceHost[],
  weights: readonly number[],
  minSize: number,
  maxSize: number,
): HashRing {
  const perWeight = pointsPerWeight(weights, minSize, maxSize);
  const counts = weights.map((weight) => (weight === 0 ? 0 : Math.max(1, Math.round(weight * perWeight))));
  const sorted = new Float64Array(counts.reduce((sum, count) => sum + count, 0));
  let made = 0;
  hosts.forEach((host, owner) => {
    const key = bytesOf(host.endpoint.key);
    const count = counts[owner] ?? 0;
    for (let seed = 0; seed < count; seed++, made++) {
      sorted[made] = hash32(key, 0, key.length, seed) * OWNERS + (owner % OWNERS);
    }
  });
  sorted.sort();
  const points = Uint32Array.from(sorted, (each) => each / OWNERS);
  const shift = Math.min(31, Math.clz32(points.length));
  return {
    points,
    owners: Uint32Array.from(sorted, (each) => each % OWNERS),
    starts: startsOf(points, shift),
    shift,
  };
}

/** Points are even, so with about as many places as points a hash finds its own a step or two behind its place. */
function startsOf(points: Uint32Array, shift: number): Uint32Array {
  const starts = new Uint32Array(2 ** (32 - shift));
  let at = 0;
  for (let place = 0; place < starts.length; place++) {
    const first = place * 2 ** shift;
    while (at < points.length && (points[at] as number) < first) at++;
    starts[place] = at;
  }
  return starts;
}

function pointsPerWeight(weights: readonly number[], minSize: number, maxSize: number): number {
  const some = weights.filter((weight) => weight > 0);
  if (some.length === 0) return 0;
  const total = some.reduce((sum, weight) => sum + weight, 0);
  const least = some.reduce((lightest, weight) => Math.min(lightest, weight), Number.POSITIVE_INFINITY);
  let perLightest = LIGHTEST_POINTS;
  while ((perLightest * total) / least < minSize) perLightest *= 2;
  while ((perLightest * total) / least > maxSize) perLightest /= 2;
  return perLightest / least;
}

/** Index into `hosts`, -1 when none may be picked. Whoever may not be picked leaves its requests to the next on the ring. */
export function pickOnRing(ring: HashRing, hosts: readonly BalanceHost[], hash: number, by: PickFacts): number {
  const { points, owners } = ring;
  let at = ring.starts[hash >>> ring.shift] as number; // in range: a hash has 32 bits
  while (at < points.length && (points[at] as number) < hash) at++;
  return pickFrom(owners, at, hosts, by);
}

/** The first from `at` on, around the end, that may be picked; one that is avoided only when there is no other. */
export function pickFrom(owners: Uint32Array, at: number, hosts: readonly BalanceHost[], by: PickFacts): number {
  const size = owners.length;
  const steps = Math.min(size, MAX_STEPS);
  let avoided = -1;
  for (let step = 0, i = at; step < steps; step++, i++) {
    if (i >= size) i = 0;
    const owner = owners[i] as number; // in range: i is below the size
    const host = hosts[owner] as BalanceHost;
    if (!isAccepted(host, by.accept)) continue;
    if (!isAvoided(host, by)) return owner;
    if (avoided < 0) avoided = owner;
  }
  return avoided >= 0 ? avoided : hosts.findIndex((host) => isAccepted(host, by.accept));
}
