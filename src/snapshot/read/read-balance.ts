/** A cluster's load balancing policy and what belongs to it → BalanceConfig. */
import type { Cluster as Message, Cluster_SlowStartConfig } from '../../xds/tables/messages.gen.ts';
import { Cluster_LbPolicy } from '../../xds/tables/messages.gen.ts';
import type { BalanceConfig, LocalityMode, SlowStart } from '../balance-config.ts';
import type { ClusterConfig } from '../snapshot.ts';
import type { SubsetConfig } from '../subset-match.ts';
import { withPolicy } from './balancing-policy.ts';
import { readPercent } from './percent.ts';
import { weftNumber, weftText } from './metadata.ts';
import { invalid, unsupported } from './problem.ts';

/** Envoy's defaults. */
const CHOICES = 2;
const PANIC_PERCENT = 50;
const MIN_RING = 1_024n;
const MAX_RING = 8_388_608n;
const TABLE_SIZE = 65_537n;
const MIN_WEIGHT_PERCENT = 10;
const MIN_ZONED_HOSTS = 6n;
/** Linkerd's default. */
const EWMA_DECAY_MS = 10_000;
/** More choices than this cost more than they spread. */
const MAX_CHOICES = 64;
/** What one build may cost: some 100 ms; Envoy takes up to 8,388,608 points and 5,000,011 entries. */
const MAX_POINTS = 262_144n;
const MAX_TABLE = 1_000_003n;

export function readBalance(cluster: Message, discovery: ClusterConfig['discovery']): BalanceConfig {
  const { message, subsets } = withPolicy(cluster);
  const { lbConfig, commonLbConfig } = message;
  const least = lbConfig.case === 'leastRequestLbConfig' ? lbConfig.value : null;
  const turns = lbConfig.case === 'roundRobinLbConfig' ? lbConfig.value : null;
  const ring = lbConfig.case === 'ringHashLbConfig' ? lbConfig.value : null;
  const maglev = lbConfig.case === 'maglevLbConfig' ? lbConfig.value : null;
  const choices = least?.choiceCount ?? CHOICES;
  if (choices < 2) throw invalid('least_request_lb_config.choice_count', 'must be at least 2');
  const activeRequestBias = least?.activeRequestBias?.defaultValue ?? 1;
  if (!(activeRequestBias >= 0)) throw invalid('least_request_lb_config.active_request_bias', 'must not be negative');
  return {
    policy: readPolicy(message, discovery),
    choices: Math.min(choices, MAX_CHOICES),
    activeRequestBias,
    slowStart:
      readSlowStart('least_request_lb_config.slow_start_config', least?.slowStartConfig) ??
      readSlowStart('round_robin_lb_config.slow_start_config', turns?.slowStartConfig),
    ewmaDecayMs: readDecay(message),
    ...readRing(ring?.minimumRingSize ?? MIN_RING, ring?.maximumRingSize ?? MAX_RING),
    tableSize: readTableSize(maglev?.tableSize ?? TABLE_SIZE),
    panicPercent: readPercent(
      'common_lb_config.healthy_panic_threshold',
      commonLbConfig?.healthyPanicThreshold,
      PANIC_PERCENT,
    ),
    ignoresUnchecked: commonLbConfig?.ignoreNewHostsUntilFirstHc ?? false,
    locality: readLocalityMode(message),
    subsets: checkSubsets(subsets, message, discovery),
  };
}

function checkSubsets(
  subsets: SubsetConfig | null,
  { commonLbConfig }: Message,
  discovery: ClusterConfig['discovery'],
): SubsetConfig | null {
  if (subsets === null) return null;
  if (discovery === 'dynamic-forward' || discovery === 'original-dst') {
    throw invalid('lb_subset_config', 'the hosts of this cluster come from requests and have no labels');
  }
  const isWeighted = commonLbConfig?.localityConfigSpecifier.case === 'localityWeightedLbConfig';
  if (subsets.localityWeightAware && !isWeighted) {
    throw invalid('lb_subset_config.locality_weight_aware', 'needs locality_weighted_lb_config');
  }
  return subsets;
}

function readPolicy(message: Message, discovery: ClusterConfig['discovery']): BalanceConfig['policy'] {
  switch (message.lbPolicy) {
    case Cluster_LbPolicy.ROUND_ROBIN:
      return 'round-robin';
    case Cluster_LbPolicy.LEAST_REQUEST:
      return weftText(message.metadata, 'balancer') === 'peak-ewma' ? 'peak-ewma' : 'least-request';
    case Cluster_LbPolicy.RANDOM:
      return 'random';
    case Cluster_LbPolicy.RING_HASH:
      return 'ring-hash';
    case Cluster_LbPolicy.MAGLEV:
      return 'maglev';
    case Cluster_LbPolicy.CLUSTER_PROVIDED:
      // The destination is named by the request: there is nothing to choose.
      if (discovery === 'dynamic-forward' || discovery === 'original-dst') return 'random';
      throw invalid('lb_policy', 'CLUSTER_PROVIDED is for clusters that provide one');
    default:
      throw unsupported('lb_policy');
  }
}

function readSlowStart(where: string, message: Cluster_SlowStartConfig | undefined): SlowStart | null {
  const windowMs = message?.slowStartWindow ?? 0;
  if (message === undefined || windowMs === 0) return null;
  const aggression = message.aggression?.defaultValue ?? 1;
  if (!(aggression > 0)) throw invalid(`${where}.aggression`, 'must be more than 0');
  const at = `${where}.min_weight_percent`;
  return { windowMs, aggression, minWeightPercent: readPercent(at, message.minWeightPercent, MIN_WEIGHT_PERCENT) };
}

function readDecay(message: Message): number {
  const decayMs = weftNumber(message.metadata, 'decayMs') ?? EWMA_DECAY_MS;
  if (!(decayMs > 0)) throw invalid('metadata.filter_metadata["weft.mesh"].decayMs', 'must be more than 0');
  return decayMs;
}

function readRing(minimum: bigint, maximum: bigint): Pick<BalanceConfig, 'minRingSize' | 'maxRingSize'> {
  if (minimum > MAX_POINTS) throw unsupported('ring_hash_lb_config.minimum_ring_size', `at most ${MAX_POINTS} here`);
  if (minimum > maximum) throw invalid('ring_hash_lb_config.minimum_ring_size', 'more than maximum_ring_size');
  return { minRingSize: Number(minimum), maxRingSize: Number(maximum < MAX_POINTS ? maximum : MAX_POINTS) };
}

function readTableSize(size: bigint): number {
  if (size > MAX_TABLE) throw unsupported('maglev_lb_config.table_size', `at most ${MAX_TABLE} here`);
  const number = Number(size);
  if (!isPrime(number)) throw invalid('maglev_lb_config.table_size', `${size} is not a prime`);
  return number;
}

function isPrime(number: number): boolean {
  for (let factor = 2; factor * factor <= number; factor++) if (number % factor === 0) return false;
  return number > 1;
}

function readLocalityMode(message: Message): LocalityMode {
  const specifier = message.commonLbConfig?.localityConfigSpecifier;
  switch (specifier?.case) {
    case 'localityWeightedLbConfig':
      return { kind: 'weighted' };
    case 'zoneAwareLbConfig': {
      const { routingEnabled, minClusterSize, failTrafficOnPanic } = specifier.value;
      const enabledPercent = readPercent('common_lb_config.zone_aware_lb_config.routing_enabled', routingEnabled, 100);
      const size = minClusterSize ?? MIN_ZONED_HOSTS;
      return {
        kind: 'zone-aware',
        enabledPercent,
        minClusterSize: Number(size),
        failOnPanic: failTrafficOnPanic,
      };
    }
    default:
      return { kind: 'none' };
  }
}
