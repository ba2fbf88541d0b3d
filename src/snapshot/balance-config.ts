/** How a cluster spreads requests, and what a set of endpoints says about its own spread: Envoy's terms, read once. */
import type { SubsetConfig } from './subset-match.ts';

export interface BalanceConfig {
  /**
   * `peak-ewma` comes as LEAST_REQUEST with the cluster metadata `weft.mesh {balancer: "peak-ewma"}`, so that Envoy, which
   * has no such policy, falls back to least request.
   */
  readonly policy: 'round-robin' | 'least-request' | 'random' | 'peak-ewma' | 'ring-hash' | 'maglev';
  /** least-request and peak-ewma: how many hosts are compared; default 2. */
  readonly choices: number;
  /** least-request with unequal weights: `weight / (active + 1) ^ bias`; default 1, 0 disregards the load. */
  readonly activeRequestBias: number;
  /** round-robin and least-request; null: a new host gets its whole share at once. */
  readonly slowStart: SlowStart | null;
  /** peak-ewma: after this long without a measurement 63 % of a peak are forgotten; default 10 s. */
  readonly ewmaDecayMs: number;
  /** ring-hash: points; a ring grows beyond the minimum where weights ask for it. Defaults 1,024 and 8,388,608. */
  readonly minRingSize: number;
  readonly maxRingSize: number;
  /** maglev: entries, a prime; default 65,537. */
  readonly tableSize: number;
  /** Below this share of available hosts a priority uses all that it has; default 50, 0: never. */
  readonly panicPercent: number;
  /** A host that has not been checked yet counts neither for nor against its priority (`ignore_new_hosts_until_first_hc`). */
  readonly ignoresUnchecked: boolean;
  readonly locality: LocalityMode;
  /** null: requests are spread over all hosts. */
  readonly subsets: SubsetConfig | null;
}

/** A host that is new or healthy again gets its share by and by (Envoy: `SlowStartConfig`). */
export interface SlowStart {
  readonly windowMs: number;
  /** 1: linear; more: faster at the beginning. */
  readonly aggression: number;
  /** 0–100; default 10. */
  readonly minWeightPercent: number;
}

export type LocalityMode =
  | { readonly kind: 'none' }
  /** `locality_weighted_lb_config`: by the weights of the assignment. */
  | { readonly kind: 'weighted' }
  /** `zone_aware_lb_config`: the proxy's own zone first, as far as it can carry its callers. */
  | {
      readonly kind: 'zone-aware';
      /** 0–100, default 100. */
      readonly enabledPercent: number;
      /** Healthy hosts below which zones are disregarded; default 6. */
      readonly minClusterSize: number;
      /** In panic nothing is sent instead of everything to everybody. */
      readonly failOnPanic: boolean;
    };

/** What the assignment says besides its endpoints. */
export interface SpreadPolicy {
  /** How many per cent of its load a priority is thought to bear: 140 fails over below 71 % healthy. */
  readonly overprovisioningPercent: number;
  /** Priorities are judged by the weights of hosts instead of their number. */
  readonly weightedPriorityHealth: boolean;
  readonly localities: readonly LocalityWeight[];
  /** Requests to refuse before they are placed, category by category, lest the cluster be overloaded. */
  readonly drops: readonly DropOverload[];
}

export interface LocalityWeight {
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
  readonly priority: number;
  /** 0: nothing where localities are weighted. */
  readonly weight: number;
}

export interface DropOverload {
  readonly category: string;
  /** 0 to 1. */
  readonly share: number;
}

/** Of an assignment that says nothing. */
export const DEFAULT_SPREAD: SpreadPolicy = {
  overprovisioningPercent: 140,
  weightedPriorityHealth: false,
  localities: [],
  drops: [],
};
