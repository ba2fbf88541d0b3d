/**
 * Choice of a host among those with the labels that a request asks for, by the rules of Envoy's subset load balancer:
 * each subset is balanced by itself, with the cluster's policy. What a route asks for is looked up once and remembered
 * until the endpoints change; a subset whose hosts stay the same keeps its rings and turns.
 */
import { type BalanceConfig, DEFAULT_SPREAD, type SpreadPolicy } from '../balance-config.ts';
import { hasLabels, type Labels, type SubsetConfig, type SubsetMatch, subsetName, withKeys } from '../subset-match.ts';
import { type BalanceHost, HEALTH, type PickFacts } from './balancer.ts';
import type { HostPlan } from './host-plan.ts';
import { LoadBalancer } from './load-balancer.ts';
import { spreadWithin } from './subset-spread.ts';
import { findSubsets, type SubsetMembers } from './subset-members.ts';
import type { OwnZone } from './own-zone.ts';

/** Of one cluster, under Envoy's names: `lb_subsets_active` and so on. */
export interface SubsetCounts {
  active: number;
  created: number;
  removed: number;
  selected: number;
  fallback: number;
  fallbackPanic: number;
  /** Subsets that the last endpoints had no place for. */
  refused: number;
}

/** A place where a pick looks; it looks at several in turn, until there is a host. */
interface Candidate<H extends BalanceHost> {
  readonly group: Group<H>;
  /** What a host from here counts as; null: as nothing. */
  readonly counts: 'selected' | 'fallback' | 'fallbackPanic' | null;
}

type Candidates<H extends BalanceHost> = readonly Candidate<H>[];

/** Routes that are remembered; those of replaced tables are forgotten with the others. */
const MAX_ROUTES = 1_024;

export class SubsetBalancer<H extends BalanceHost> {
  readonly #config: BalanceConfig;
  readonly #subsets: SubsetConfig;
  readonly #own: OwnZone | null;
  readonly #any: Group<H>;
  readonly #default: Group<H>;
  readonly #known = new Map<SubsetMatch, Candidates<H>>();
  #groups: ReadonlyMap<string, Group<H>> = new Map();
  readonly #unmatched: Candidates<H>;
  readonly #counts: SubsetCounts;

  constructor(config: BalanceConfig, subsets: SubsetConfig, own: OwnZone | null, counts: SubsetCounts) {
    this.#config = config;
    this.#counts = counts;
    this.#subsets = subsets;
    this.#own = own;
    this.#any = new Group(config, own);
    this.#default = new Group(config, own);
    this.#unmatched = this.#fallbacks();
  }

  /** Of all hosts. */
  get plan(): HostPlan<H> {
    return this.#any.balancer.plan;
  }

  setHosts(hosts: readonly H[], spread: SpreadPolicy): void {
    const subsets = this.#subsets;
    const update = (group: Group<H>, members: SubsetMembers<H>): void =>
      group.update(members, spreadWithin(members.hosts, hosts, spread, subsets));
    const members = hosts.filter(({ endpoint }) =>
      hasLabels(endpoint.labels, subsets.defaultSubset, subsets.listAsAny),
    );
    update(this.#any, { hosts, singleHost: false });
    update(this.#default, { hosts: members, singleHost: false });
    const before = this.#groups;
    const groups = new Map<string, Group<H>>();
    const found = findSubsets(hosts, subsets);
    for (const [name, each] of found.byName) {
      const known = before.get(name);
      if (known === undefined) this.#counts.created++;
      const group = known ?? new Group<H>(this.#config, this.#own);
      update(group, each);
      groups.set(name, group);
    }
    for (const name of before.keys()) if (!groups.has(name)) this.#counts.removed++;
    this.#groups = groups;
    this.#counts.active = groups.size;
    this.#counts.refused = found.refused;
    this.#known.clear();
  }

  healthChanged(): void {
    this.#any.balancer.healthChanged();
    this.#default.balancer.healthChanged();
    for (const { balancer } of this.#groups.values()) balancer.healthChanged();
  }

  pick(by: PickFacts): H | null {
    const candidates = by.subset === null ? this.#unmatched : this.#candidatesOf(by.subset);
    by.panic = false;
    for (let i = 0; i < candidates.length; i++) {
      const { group, counts } = candidates[i] as Candidate<H>; // in range
      const host = group.pick(by);
      if (host === null) continue;
      if (counts !== null) this.#counts[counts]++;
      return host;
    }
    return null;
  }

  #candidatesOf(match: SubsetMatch): Candidates<H> {
    const known = this.#known.get(match);
    if (known !== undefined) return known;
    const { alternatives, labels } = match;
    const wanted = this.#subsets.fallbackList && alternatives !== null ? alternatives : [labels];
    const made = wanted.flatMap((each) => this.#resolve(each));
    if (this.#known.size >= MAX_ROUTES) this.#known.clear();
    this.#known.set(match, made);
    return made;
  }

  /** A subset that there is decides alone, even where it has nobody who is well. */
  #resolve(asked: Labels): Candidates<H> {
    const labels = this.#subsets.allowRedundantKeys ? this.#narrowed(asked) : asked;
    const group = this.#groups.get(subsetName(labels));
    if (group !== undefined && labels.length > 0) return [{ group, counts: 'selected' }];
    const selector = this.#subsets.selectors.find(({ keys }) => hasKeys(labels, keys));
    switch (selector?.fallback) {
      case 'none':
        return [];
      case 'any':
        return [{ group: this.#any, counts: null }];
      case 'default':
        return [{ group: this.#default, counts: null }];
      case 'keys':
        // Ends: they are fewer each time.
        return this.#resolve(withKeys(labels, selector.fallbackKeys));
      default:
        return this.#unmatched;
    }
  }

  #narrowed(labels: Labels): Labels {
    const selector = this.#subsets.selectors.find(({ keys }) => withKeys(labels, keys).length === keys.length);
    return selector === undefined ? labels : withKeys(labels, selector.keys);
  }

  #fallbacks(): Candidates<H> {
    const { fallback, panicModeAny } = this.#subsets;
    if (fallback === 'none') return [];
    const first: Candidate<H> = { group: fallback === 'any' ? this.#any : this.#default, counts: 'fallback' };
    return panicModeAny ? [first, { group: this.#any, counts: 'fallbackPanic' }] : [first];
  }
}

/** The hosts of one subset, and how they are balanced. */
class Group<H extends BalanceHost> {
  readonly balancer: LoadBalancer<H>;
  #single: H | null = null;
  #hosts: readonly H[] = [];
  /** What was balanced last: members, and all that their shares depend on. */
  #last = '';

  constructor(config: BalanceConfig, own: OwnZone | null) {
    this.balancer = new LoadBalancer(config, own);
    this.balancer.setHosts([], DEFAULT_SPREAD);
  }

  update({ hosts, singleHost }: SubsetMembers<H>, spread: SpreadPolicy): void {
    this.#single = singleHost ? (hosts[0] ?? null) : null;
    const isSame = hosts.length === this.#hosts.length && hosts.every((host, i) => host === this.#hosts[i]);
    const now = shareText(hosts, spread);
    this.#hosts = hosts;
    if (isSame && now === this.#last) return;
    this.#last = now;
    this.balancer.setHosts(hosts, spread);
  }

  /** One that leaves gets nothing, alone in its subset or not. */
  pick(by: PickFacts): H | null {
    const single = this.#single;
    if (single === null) return this.balancer.pick(by);
    return single.health === HEALTH.leaving ? null : single;
  }
}

function hasKeys(labels: Labels, keys: readonly string[]): boolean {
  return labels.length === keys.length && labels.every(({ key }, i) => key === keys[i]);
}

function shareText(hosts: readonly BalanceHost[], spread: SpreadPolicy): string {
  const { overprovisioningPercent, weightedPriorityHealth, localities } = spread;
  const members = hosts.map(({ endpoint: { weight, priority, locality, health } }) => [
    weight,
    priority,
    locality.region,
    locality.zone,
    locality.subZone,
    health === 'draining',
  ]);
  return JSON.stringify([members, overprovisioningPercent, weightedPriorityHealth, localities]);
}
