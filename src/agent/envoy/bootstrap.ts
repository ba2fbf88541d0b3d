/**
 * Envoy's bootstrap for one workload. It holds no secret: keys and configuration come through the agent's socket. Pure.
 */
import type { Address } from '../../core/runtime.ts';

type Json = { readonly [key: string]: unknown };

export interface BootstrapParts {
  readonly node: { readonly id: string; readonly cluster: string; readonly metadata: Readonly<Record<string, string>> };
  readonly locality: { readonly region: string; readonly zone: string; readonly subZone: string } | null;
  /** The agent's relay. */
  readonly socketPath: string;
  readonly admin: Address;
  /** What Envoy may allocate; 0: it is not bounded here. */
  readonly maxHeapBytes: number;
  /** Downstream connections at once. Unset: 20,000. */
  readonly maxConnections?: number;
}

/** Generated configuration names it as the place of the workload's own certificate. */
const AGENT_CLUSTER = 'weft-agent';
/** Its tracer must name somebody to report to; nobody is there, and what it would say is dropped at once. */
const NO_TRACES: Json = { name: 'weft-traces', type: 'STATIC', connect_timeout: '1s' };
const DEFAULT_MAX_CONNECTIONS = 20_000;
const EXTENSION = 'type.googleapis.com/envoy.extensions';

/** It discovers on demand: the control plane then sends what is used, and not the mesh. */
export function envoyBootstrap(parts: BootstrapParts): Json {
  const { node, locality, admin } = parts;
  return {
    node: {
      ...node,
      metadata: { ...node.metadata, onDemand: true },
      ...(locality === null
        ? {}
        : { locality: { region: locality.region, zone: locality.zone, sub_zone: locality.subZone } }),
    },
    admin: { address: { socket_address: { address: admin.host, port_value: admin.port } } },
    bootstrap_extensions: [
      {
        // A CONNECT re-enters protocol detection through listeners inside of the proxy.
        name: 'envoy.bootstrap.internal_listener',
        typed_config: { '@type': `${EXTENSION}.bootstrap.internal_listener.v3.InternalListener` },
      },
    ],
    dynamic_resources: {
      ads_config: {
        api_type: 'DELTA_GRPC',
        transport_api_version: 'V3',
        set_node_on_first_message_only: true,
        grpc_services: [
          {
            envoy_grpc: {
              cluster_name: AGENT_CLUSTER,
              // Envoy's own grows to half a minute, for which a control plane that is back would not be noticed.
              retry_policy: { retry_back_off: { base_interval: '0.5s', max_interval: '5s' } },
            },
          },
        ],
      },
      lds_config: fromAds(),
      cds_config: fromAds(),
    },
    static_resources: { clusters: [agentCluster(parts.socketPath), NO_TRACES] },
    overload_manager: overloadManager(parts),
    layered_runtime: { layers: [{ name: 'admin', admin_layer: {} }] },
  };
}

/** Without a limit of time: Envoy would begin to serve with nothing, and tell the application that it may start. */
function fromAds(): Json {
  return { ads: {}, resource_api_version: 'V3', initial_fetch_timeout: '0s' };
}

function agentCluster(path: string): Json {
  return {
    name: AGENT_CLUSTER,
    type: 'STATIC',
    connect_timeout: '1s',
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': `${EXTENSION}.upstreams.http.v3.HttpProtocolOptions`,
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
    load_assignment: {
      cluster_name: AGENT_CLUSTER,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path } } } }] }],
    },
  };
}

function overloadManager({ maxHeapBytes, maxConnections = DEFAULT_MAX_CONNECTIONS }: BootstrapParts): Json {
  const connections = {
    name: 'envoy.resource_monitors.global_downstream_max_connections',
    typed_config: {
      '@type': `${EXTENSION}.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig`,
      max_active_downstream_connections: maxConnections,
    },
  };
  if (maxHeapBytes === 0) return { resource_monitors: [connections] };
  const heap = 'envoy.resource_monitors.fixed_heap';
  const at = (value: number): Json => ({ name: heap, threshold: { value } });
  return {
    refresh_interval: '0.25s',
    resource_monitors: [
      connections,
      {
        name: heap,
        typed_config: {
          '@type': `${EXTENSION}.resource_monitors.fixed_heap.v3.FixedHeapConfig`,
          max_heap_size_bytes: maxHeapBytes,
        },
      },
    ],
    actions: [
      { name: 'envoy.overload_actions.shrink_heap', triggers: [at(0.9)] },
      { name: 'envoy.overload_actions.stop_accepting_requests', triggers: [at(0.95)] },
    ],
  };
}
