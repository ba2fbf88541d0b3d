/**
 * Consistent hashing by Maglev's table (Eisenbud et al., NSDI 2016): shares are even to a per cent and a pick is one
 * look-up; a host that leaves moves a little more than its own requests.
 */
import { bytesOf } from '../../core/bytes.ts';
import { hash32 } from '../../core/hash.ts';
import type { BalanceHost } from './balancer.ts';

interface Claim {
  readonly owner: number;
  readonly weight: number;
  readonly skip: number;
  at: number;
  /** Weight at which its next turn comes. */
  due: number;
}

/**
 * By entry: index into the hosts. `size` is a prime; the order of the hosts does not matter. `weights` are in step with
 * the hosts; 0: no entries.
 */
export function buildMaglev(hosts: readonly BalanceHost[], weights: readonly number[], size: number): Uint32Array {
  const claims = claimsOf(hosts, weights, size);
  if (claims.length === 0) return new Uint32Array(0);
  const heaviest = claims.reduce((most, { weight }) => Math.max(most, weight), 0);
  const taken = new Uint8Array(size);
  const table = new Uint32Array(size);
  for (let round = 1, filled = 0; filled < size; round++) {
    for (const claim of claims) {
      // The heaviest host has every turn, one of a third of its weight every third (Envoy: MaglevTable).
      if (round * claim.weight < claim.due) continue;
      claim.due += heaviest;
      while (taken[claim.at] === 1) claim.at = (claim.at + claim.skip) % size;
      taken[claim.at] = 1;
      table[claim.at] = claim.owner;
      if (++filled === size) break;
    }
  }
  return table;
}

function claimsOf(hosts: readonly BalanceHost[], weights: readonly number[], size: number): Claim[] {
  const order = hosts.map((host, owner) => ({ owner, key: host.endpoint.key, weight: weights[owner] ?? 0 }));
  return order
    .filter(({ weight }) => weight > 0)
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ owner, key, weight }) => {
      const bytes = bytesOf(key);
      const at = hash32(bytes, 0, bytes.length, 0) % size;
      const skip = (hash32(bytes, 0, bytes.length, 1) % (size - 1)) + 1;
      return { owner, weight, skip, at, due: 0 };
    });
}
