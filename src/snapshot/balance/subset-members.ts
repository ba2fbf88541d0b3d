/** Which hosts belong to which subset, from their labels. Made when endpoints change, so that a pick looks at no label. */
import { type Label, type Labels, labelText, type SubsetConfig, subsetName } from '../subset-match.ts';
import type { BalanceHost } from './balancer.ts';

export interface SubsetMembers<H> {
  readonly hosts: readonly H[];
  readonly singleHost: boolean;
}

export interface FoundSubsets<H> {
  /** By `subsetName`. */
  readonly byName: ReadonlyMap<string, SubsetMembers<H>>;
  /** Subsets and combinations that there was no place for. */
  readonly refused: number;
}

/** Of one cluster. Envoy has no bound. */
const MAX_SUBSETS = 4_096;
/** Of one host under one selector: lists multiply. */
const MAX_COMBINATIONS = 256;

export function findSubsets<H extends BalanceHost>(hosts: readonly H[], config: SubsetConfig): FoundSubsets<H> {
  const byName = new Map<string, { readonly hosts: H[]; readonly singleHost: boolean }>();
  let refused = 0;
  for (const host of hosts) {
    for (const { keys, singleHost } of config.selectors) {
      const combinations = combinationsOf(host.endpoint.labels, keys, config.listAsAny);
      refused += Math.max(0, combinations.length - MAX_COMBINATIONS);
      for (const labels of combinations.slice(0, MAX_COMBINATIONS)) {
        const name = subsetName(labels);
        const known = byName.get(name);
        if (known !== undefined) {
          // Two selectors of the same keys, or a list that says something twice, make no host count twice.
          if (known.hosts.at(-1) !== host) known.hosts.push(host);
        } else if (byName.size < MAX_SUBSETS) byName.set(name, { hosts: [host], singleHost });
        else refused++;
      }
    }
  }
  return { byName, refused };
}

/** Every way in which a host has all the keys; one beyond the bound tells that there were more. */
function combinationsOf(
  fields: Readonly<Record<string, unknown>>,
  keys: readonly string[],
  listAsAny: boolean,
): readonly Labels[] {
  let found: Label[][] = [[]];
  for (const key of keys) {
    const own = fields[key];
    if (own === undefined) return [];
    const values = listAsAny && Array.isArray(own) ? own.map(labelText) : [labelText(own)];
    found = found
      .flatMap((labels) => values.slice(0, MAX_COMBINATIONS + 1).map((value) => [...labels, { key, value }]))
      .slice(0, MAX_COMBINATIONS + 1);
  }
  return found.filter((labels) => labels.length > 0);
}
