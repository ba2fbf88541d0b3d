/**
 * A golden, which is JSON of what one proxy gets over xDS, as a static bootstrap of Envoy: what would be looked up over
 * ADS stands where it is named, so that Envoy reads every part of it without a control plane.
 */
type Json = Readonly<Record<string, unknown>>;
type Named = Readonly<Record<string, Json>>;

/** Type name → resource name → resource. */
export interface GoldenView {
  readonly Cluster?: Named;
  readonly ClusterLoadAssignment?: Named;
  readonly Listener?: Named;
  readonly RouteConfiguration?: Named;
}

export interface Credentials {
  readonly certificateChainPem: string;
  readonly privateKeyPem: string;
  readonly trustBundlePem: string;
}

/** Of every bootstrap that the agent writes. */
const NO_TRACES: Json = { name: 'weft-traces', type: 'STATIC', connect_timeout: '1s' };

export function staticBootstrap(view: GoldenView, credentials: Credentials): Json {
  const inline = (resource: Json): unknown => inlined(resource, view.RouteConfiguration ?? {});
  return {
    node: { id: 'golden', cluster: 'golden' },
    bootstrap_extensions: [
      {
        name: 'envoy.bootstrap.internal_listener',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener',
        },
      },
    ],
    static_resources: {
      listeners: Object.values(view.Listener ?? {}).map(inline),
      clusters: [
        NO_TRACES,
        ...Object.values(view.Cluster ?? {}).map((cluster) =>
          inline(withEndpoints(cluster, view.ClusterLoadAssignment ?? {})),
        ),
      ],
      secrets: secrets(credentials),
    },
  };
}

function withEndpoints(cluster: Json, assignments: Named): Json {
  const { edsClusterConfig, ...rest } = cluster;
  if (edsClusterConfig === undefined) return cluster;
  const { serviceName = '' } = edsClusterConfig as { readonly serviceName?: string };
  const assignment = assignments[serviceName];
  if (assignment === undefined) throw new Error(`${String(cluster['name'])} names the endpoints ${serviceName}`);
  return { ...rest, type: 'STATIC', loadAssignment: assignment };
}

/** Routes and secrets in the place of their names. */
function inlined(value: unknown, routes: Named): unknown {
  if (Array.isArray(value)) return value.map((item) => inlined(item, routes));
  if (typeof value !== 'object' || value === null) return value;
  const out: Record<string, unknown> = {};
  for (const [key, child] of Object.entries(value)) {
    if (key === 'rds') {
      const { routeConfigName } = child as { readonly routeConfigName: string };
      const found = routes[routeConfigName];
      if (found === undefined) throw new Error(`a listener names the routes ${routeConfigName}`);
      out['routeConfig'] = found;
    } else if (key !== 'sdsConfig') out[key] = inlined(child, routes);
  }
  return out;
}

function secrets({ certificateChainPem, privateKeyPem, trustBundlePem }: Credentials): Json[] {
  return [
    {
      name: 'default',
      tls_certificate: {
        certificate_chain: { inline_string: certificateChainPem },
        private_key: { inline_string: privateKeyPem },
      },
    },
    { name: 'trust-bundle', validation_context: { trusted_ca: { inline_string: trustBundlePem } } },
  ];
}
