/**
 * A cluster as the policies wrote it → what gRPC has of it (gRFC A42, A50, A52): balancers, outliers by rate, the limit of
 * requests. What has no counterpart is left out here; the enforcement table says so.
 */
import { create } from '@bufbuild/protobuf';
import {
  CircuitBreakersSchema,
  type CircuitBreakers,
} from '../../../protos/gen/envoy/config/cluster/v3/circuit_breaker_pb.ts';
import {
  type Cluster,
  Cluster_LbPolicy,
  Cluster_RingHashLbConfigSchema,
  ClusterSchema,
  type LoadBalancingPolicy,
  LoadBalancingPolicySchema,
} from '../../../protos/gen/envoy/config/cluster/v3/cluster_pb.ts';
import type { OutlierDetection } from '../../../protos/gen/envoy/config/cluster/v3/outlier_detection_pb.ts';
import { LeastRequestSchema } from '../../../protos/gen/envoy/extensions/load_balancing_policies/least_request/v3/least_request_pb.ts';
import { RoundRobinSchema } from '../../../protos/gen/envoy/extensions/load_balancing_policies/round_robin/v3/round_robin_pb.ts';
import { WrrLocalitySchema } from '../../../protos/gen/envoy/extensions/load_balancing_policies/wrr_locality/v3/wrr_locality_pb.ts';
import { pack } from '../../../protos/init.ts';

const RING_MINIMUM = 1024n;

/** A new message, with nothing but what gRPC clients read. `written`: with the policies' fields. */
export function narrowCluster(written: Cluster): Cluster {
  const { name, clusterDiscoveryType, edsClusterConfig, metadata } = written;
  const cluster = create(ClusterSchema, { name, clusterDiscoveryType });
  if (edsClusterConfig !== undefined) cluster.edsClusterConfig = edsClusterConfig;
  if (metadata !== undefined) cluster.metadata = metadata;
  balance(cluster, written);
  const limit = requestLimit(written.circuitBreakers);
  if (limit !== null) cluster.circuitBreakers = limit;
  if (ejectsByRate(written.outlierDetection)) cluster.outlierDetection = written.outlierDetection;
  return cluster;
}

function balance(cluster: Cluster, { lbPolicy, lbConfig }: Cluster): void {
  switch (lbPolicy) {
    case Cluster_LbPolicy.RING_HASH:
      cluster.lbPolicy = Cluster_LbPolicy.RING_HASH;
      if (lbConfig.case === 'ringHashLbConfig') cluster.lbConfig = lbConfig;
      return;
    case Cluster_LbPolicy.MAGLEV: {
      // Consistent hashing is what was asked for; gRPC has it as a ring.
      const maximumRingSize = lbConfig.case === 'maglevLbConfig' ? (lbConfig.value.tableSize ?? 65_537n) : 65_537n;
      const minimumRingSize = maximumRingSize < RING_MINIMUM ? maximumRingSize : RING_MINIMUM;
      const value = create(Cluster_RingHashLbConfigSchema, { minimumRingSize, maximumRingSize });
      cluster.lbPolicy = Cluster_LbPolicy.RING_HASH;
      cluster.lbConfig = { case: 'ringHashLbConfig', value };
      return;
    }
    case Cluster_LbPolicy.LEAST_REQUEST:
      cluster.loadBalancingPolicy = leastRequest(
        lbConfig.case === 'leastRequestLbConfig' ? (lbConfig.value.choiceCount ?? 2) : 2,
      );
      return;
    default:
      cluster.lbPolicy = Cluster_LbPolicy.ROUND_ROBIN;
  }
}

/**
 * The first that a client has is taken: grpc-java, and grpc-go if told to, take least request; the others, which would
 * refuse the cluster over `lb_policy: LEAST_REQUEST`, round robin.
 */
function leastRequest(choiceCount: number): LoadBalancingPolicy {
  const endpointPickingPolicy = list(
    typed('least_request', pack(LeastRequestSchema, { choiceCount })),
    typed('round_robin', pack(RoundRobinSchema, {})),
  );
  return list(typed('wrr_locality', pack(WrrLocalitySchema, { endpointPickingPolicy })));
}

type Policy = NonNullable<LoadBalancingPolicy['policies'][number]['typedExtensionConfig']>;

function list(...policies: Pick<Policy, 'name' | 'typedConfig'>[]): LoadBalancingPolicy {
  return create(LoadBalancingPolicySchema, {
    policies: policies.map(({ name, typedConfig }) => ({
      typedExtensionConfig: typedConfig === undefined ? { name } : { name, typedConfig },
    })),
  });
}

function typed(name: string, typedConfig: ReturnType<typeof pack>) {
  return { name: `envoy.load_balancing_policies.${name}`, typedConfig };
}

/** gRFC A32. */
function requestLimit(breakers: CircuitBreakers | undefined): CircuitBreakers | null {
  const maxRequests = breakers?.thresholds[0]?.maxRequests;
  return maxRequests === undefined ? null : create(CircuitBreakersSchema, { thresholds: [{ maxRequests }] });
}

/** gRPC counts no consecutive failures; without a rate there would be nothing left of the section but its timer. */
function ejectsByRate(outliers: OutlierDetection | undefined): outliers is OutlierDetection {
  return (outliers?.enforcingSuccessRate ?? 0) > 0 || (outliers?.enforcingFailurePercentage ?? 0) > 0;
}
