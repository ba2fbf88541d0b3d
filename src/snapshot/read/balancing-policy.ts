/**
 * `load_balancing_policy`, the newer way to say how to balance, in the terms of the older one, which stands beside it and
 * counts for nothing when it is there.
 */
import type {
  Any,
  Cluster,
  Cluster_CommonLbConfig,
  LoadBalancingPolicy,
  LocalityLbConfig,
} from '../../xds/tables/messages.gen.ts';
import { Cluster_LbPolicy as Policy } from '../../xds/tables/messages.gen.ts';
import {
  Cluster_CommonLbConfigTable,
  Cluster_LeastRequestLbConfigTable,
  Cluster_MaglevLbConfigTable,
  Cluster_RingHashLbConfigTable,
  Cluster_RoundRobinLbConfigTable,
  LeastRequestTable,
  MaglevTable,
  RandomTable,
  RingHashTable,
  RoundRobinTable,
  SubsetTable,
  WrrLocalityTable,
} from '../../xds/tables/tables.gen.ts';
import { create } from '../../xds/wire/table.ts';
import { decodeConfig } from './decode-config.ts';
import { invalid, refuseSet, unsupported, within } from './problem.ts';
import { readSubsets } from './read-subsets.ts';
import type { SubsetConfig } from '../subset-match.ts';

type Said = Pick<Cluster, 'lbPolicy' | 'lbConfig'> & {
  readonly locality: Cluster_CommonLbConfig['localityConfigSpecifier'];
  readonly subsets?: SubsetConfig;
};

export interface Policied {
  /** With its policy in the older terms. */
  readonly message: Cluster;
  readonly subsets: SubsetConfig | null;
}

const P = 'type.googleapis.com/envoy.extensions.load_balancing_policies.';
const WEIGHTED: Said['locality'] = { case: 'localityWeightedLbConfig', value: {} };
const NO_LOCALITY: Said['locality'] = { case: undefined };
const NO_CONFIG: Said['lbConfig'] = { case: undefined };

/** By type URL, without its prefix. */
const READERS: ReadonlyMap<string, (config: Uint8Array) => Said> = new Map<string, (config: Uint8Array) => Said>([
  ['round_robin.v3.RoundRobin', readRoundRobin],
  ['least_request.v3.LeastRequest', readLeastRequest],
  ['random.v3.Random', readRandom],
  ['ring_hash.v3.RingHash', readRingHash],
  ['maglev.v3.Maglev', readMaglev],
  ['wrr_locality.v3.WrrLocality', readWrrLocality],
  ['subset.v3.Subset', readSubset],
  [
    'cluster_provided.v3.ClusterProvided',
    () => ({ lbPolicy: Policy.CLUSTER_PROVIDED, lbConfig: NO_CONFIG, locality: NO_LOCALITY }),
  ],
]);

/** The first policy that this proxy knows is the one, as in Envoy. */
export function withPolicy(message: Cluster): Policied {
  const { loadBalancingPolicy, lbSubsetConfig } = message;
  if (loadBalancingPolicy === undefined) {
    // As in Envoy: without selectors there are no subsets.
    const isSet = lbSubsetConfig !== undefined && lbSubsetConfig.subsetSelectors.length > 0;
    return { message, subsets: isSet ? readSubsets('lb_subset_config', lbSubsetConfig) : null };
  }
  if (lbSubsetConfig !== undefined) throw invalid('lb_subset_config', 'stands beside load_balancing_policy');
  const { lbPolicy, lbConfig, locality, subsets } = readPolicies('load_balancing_policy', loadBalancingPolicy);
  const common = message.commonLbConfig ?? create(Cluster_CommonLbConfigTable, {});
  const commonLbConfig = { ...common, localityConfigSpecifier: locality };
  return { message: { ...message, lbPolicy, lbConfig, commonLbConfig }, subsets: subsets ?? null };
}

function readPolicies(where: string, { policies }: LoadBalancingPolicy): Said {
  const configs = policies.map(({ typedExtensionConfig: config }) => config?.typedConfig);
  for (const [i, config] of configs.entries()) {
    const read = config === undefined ? undefined : readerOf(config);
    if (config === undefined || read === undefined) continue;
    return within(`${where}.policies[${i}].typed_extension_config.typed_config`, () => read(config.value));
  }
  const names = configs.map((config) => config?.typeUrl ?? 'nothing');
  throw unsupported(`${where}.policies`, `no balancer of this proxy reads ${names.join(' or ') || 'an empty list'}`);
}

function readerOf({ typeUrl }: Any): ((config: Uint8Array) => Said) | undefined {
  return typeUrl.startsWith(P) ? READERS.get(typeUrl.slice(P.length)) : undefined;
}

function readRoundRobin(config: Uint8Array): Said {
  const { slowStartConfig, localityLbConfig } = decodeConfig(RoundRobinTable, config);
  const value = create(Cluster_RoundRobinLbConfigTable, { slowStartConfig });
  const lbConfig = { case: 'roundRobinLbConfig', value } as const;
  return { lbPolicy: Policy.ROUND_ROBIN, lbConfig, locality: localityOf(localityLbConfig) };
}

function readLeastRequest(config: Uint8Array): Said {
  const message = decodeConfig(LeastRequestTable, config);
  refuseSet('enable_full_scan', message.enableFullScan);
  if (message.selectionMethod !== 0) throw unsupported('selection_method');
  const { choiceCount, activeRequestBias, slowStartConfig, localityLbConfig } = message;
  const value = create(Cluster_LeastRequestLbConfigTable, { choiceCount, activeRequestBias, slowStartConfig });
  const lbConfig = { case: 'leastRequestLbConfig', value } as const;
  return { lbPolicy: Policy.LEAST_REQUEST, lbConfig, locality: localityOf(localityLbConfig) };
}

function readRandom(config: Uint8Array): Said {
  const { localityLbConfig } = decodeConfig(RandomTable, config);
  return { lbPolicy: Policy.RANDOM, lbConfig: NO_CONFIG, locality: localityOf(localityLbConfig) };
}

function readRingHash(config: Uint8Array): Said {
  const message = decodeConfig(RingHashTable, config);
  // Both of Envoy's functions spread alike; which host a key has differs from proxy to proxy anyway.
  refuseSet('consistent_hashing_lb_config', message.consistentHashingLbConfig);
  const { minimumRingSize, maximumRingSize, localityWeightedLbConfig } = message;
  const value = create(Cluster_RingHashLbConfigTable, { minimumRingSize, maximumRingSize });
  const locality = localityWeightedLbConfig === undefined ? NO_LOCALITY : WEIGHTED;
  return { lbPolicy: Policy.RING_HASH, lbConfig: { case: 'ringHashLbConfig', value }, locality };
}

function readMaglev(config: Uint8Array): Said {
  const { tableSize, consistentHashingLbConfig, localityWeightedLbConfig } = decodeConfig(MaglevTable, config);
  refuseSet('consistent_hashing_lb_config', consistentHashingLbConfig);
  const value = create(Cluster_MaglevLbConfigTable, { tableSize });
  const locality = localityWeightedLbConfig === undefined ? NO_LOCALITY : WEIGHTED;
  return { lbPolicy: Policy.MAGLEV, lbConfig: { case: 'maglevLbConfig', value }, locality };
}

/** Localities by their weights, and within each the policy that it names. */
function readWrrLocality(config: Uint8Array): Said {
  const { endpointPickingPolicy } = decodeConfig(WrrLocalityTable, config);
  if (endpointPickingPolicy === undefined) throw unsupported('endpoint_picking_policy', 'required');
  return { ...readPolicies('endpoint_picking_policy', endpointPickingPolicy), locality: WEIGHTED };
}

function readSubset(config: Uint8Array): Said {
  const message = decodeConfig(SubsetTable, config);
  const { subsetLbPolicy } = message;
  if (subsetLbPolicy === undefined) throw invalid('subset_lb_policy', 'required');
  const said = readPolicies('subset_lb_policy', subsetLbPolicy);
  if (said.subsets !== undefined) throw unsupported('subset_lb_policy', 'subsets of subsets');
  return { ...said, subsets: readSubsets('', message) };
}

function localityOf(config: LocalityLbConfig | undefined): Said['locality'] {
  return config?.localityConfigSpecifier ?? NO_LOCALITY;
}
