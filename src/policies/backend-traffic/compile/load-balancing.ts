/** `loadBalancing` → the cluster's balancer, and what of a request the routes to it hash. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type Cluster,
  Cluster_LbPolicy,
  Cluster_LeastRequestLbConfigSchema,
  Cluster_MaglevLbConfigSchema,
  Cluster_RingHashLbConfigSchema,
  Cluster_RoundRobinLbConfigSchema,
  type Cluster_SlowStartConfigSchema,
} from '../../../protos/gen/envoy/config/cluster/v3/cluster_pb.ts';
import { MetadataSchema } from '../../../protos/gen/envoy/config/core/v3/base_pb.ts';
import type { RouteAction_HashPolicySchema } from '../../../protos/gen/envoy/config/route/v3/route_components_pb.ts';
import type { BackendTrafficSpec } from '../kind.ts';
import { MAX_RING } from '../sections/load-balancing.ts';
import { durationFrom, millisecondsOf } from './values.ts';

type LoadBalancing = NonNullable<BackendTrafficSpec['loadBalancing']>;
type HashSource = NonNullable<LoadBalancing['hashOn']>[number];
type HashPolicyInit = MessageInitShape<typeof RouteAction_HashPolicySchema>;

const DEFAULT: LoadBalancing = { algorithm: 'LeastRequest' };
const METADATA_KEY = 'weft.mesh';

export function balance(cluster: Cluster, section: LoadBalancing = DEFAULT): void {
  const slowStartConfig = slowStart(section.slowStart);
  switch (section.algorithm) {
    case 'RoundRobin':
      cluster.lbPolicy = Cluster_LbPolicy.ROUND_ROBIN;
      if (slowStartConfig === undefined) return;
      cluster.lbConfig = {
        case: 'roundRobinLbConfig',
        value: create(Cluster_RoundRobinLbConfigSchema, { slowStartConfig }),
      };
      return;
    case 'PeakEwma':
      // No balancer of Envoy's: it reads LeastRequest, and the metadata tell Weft's proxy better.
      cluster.metadata ??= create(MetadataSchema);
      cluster.metadata.filterMetadata[METADATA_KEY] = {
        ...cluster.metadata.filterMetadata[METADATA_KEY],
        balancer: 'peak-ewma',
        decayMs: millisecondsOf(section.peakEwma?.decay, '10s'),
      };
      leastRequest(cluster, 2, slowStartConfig);
      return;
    case 'LeastRequest':
      leastRequest(cluster, section.leastRequest?.choices ?? 2, slowStartConfig);
      return;
    case 'Random':
      cluster.lbPolicy = Cluster_LbPolicy.RANDOM;
      return;
    case 'RingHash': {
      const { minimumSize = 1024, maximumSize = MAX_RING } = section.ringHash ?? {};
      const value = create(Cluster_RingHashLbConfigSchema, {
        minimumRingSize: BigInt(minimumSize),
        maximumRingSize: BigInt(maximumSize),
      });
      cluster.lbPolicy = Cluster_LbPolicy.RING_HASH;
      cluster.lbConfig = { case: 'ringHashLbConfig', value };
      return;
    }
    case 'Maglev': {
      const value = create(Cluster_MaglevLbConfigSchema, { tableSize: BigInt(section.maglev?.tableSize ?? 65_537) });
      cluster.lbPolicy = Cluster_LbPolicy.MAGLEV;
      cluster.lbConfig = { case: 'maglevLbConfig', value };
      return;
    }
  }
}

/** The first source that a request has decides: `terminal` ends the list there. */
export function hashPolicy(sources: readonly HashSource[]): HashPolicyInit[] {
  return sources.map((source) => ({ policySpecifier: hashSpecifier(source), terminal: true }));
}

function hashSpecifier(source: HashSource): NonNullable<HashPolicyInit['policySpecifier']> {
  const { name = '' } = source;
  switch (source.type) {
    case 'SourceAddress':
      return { case: 'connectionProperties', value: { sourceIp: true } };
    case 'Header':
      return { case: 'header', value: { headerName: name.toLowerCase() } };
    case 'QueryParameter':
      return { case: 'queryParameter', value: { name } };
    case 'Cookie': {
      // A ttl, even of zero, makes the proxy set the cookie.
      const ttl = source.ttl === undefined ? {} : { ttl: durationFrom(source.ttl, '0s') };
      return { case: 'cookie', value: { name, path: source.path ?? '', ...ttl } };
    }
  }
}

type SlowStartInit = MessageInitShape<typeof Cluster_SlowStartConfigSchema>;

function leastRequest(cluster: Cluster, choiceCount: number, slowStartConfig: SlowStartInit | undefined): void {
  cluster.lbPolicy = Cluster_LbPolicy.LEAST_REQUEST;
  const init = slowStartConfig === undefined ? { choiceCount } : { choiceCount, slowStartConfig };
  cluster.lbConfig = { case: 'leastRequestLbConfig', value: create(Cluster_LeastRequestLbConfigSchema, init) };
}

function slowStart(section: LoadBalancing['slowStart']): SlowStartInit | undefined {
  if (section === undefined) return undefined;
  return {
    slowStartWindow: durationFrom(section.window, '0s'),
    // Envoy wants a name for what could be changed at run time, and nobody does.
    aggression: { defaultValue: section.aggression ?? 1, runtimeKey: 'weft.slow_start.aggression' },
    minWeightPercent: { value: section.minimumWeightPercent ?? 10 },
  };
}
