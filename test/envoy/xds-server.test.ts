/**
 * The xDS server to a real Envoy, over mTLS, in four modes: both variants, everything on one stream or a stream for each
 * resource. In each, traffic follows endpoints, clusters and routes as they change, and a refusal is told with its reason.
 */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { fromJson, type JsonValue, toBinary } from '@bufbuild/protobuf';
import { envoyTypes } from '../../src/protos/registry.ts';
import { xdsResource } from '../../src/xds/content-version.ts';
import { TYPE_URLS, type TypeUrl, type XdsResource } from '../../src/xds/resource.ts';
import { until } from '../support/child.ts';
import { missing } from '../support/components.ts';
import { XdsPublisher } from '../support/xds-publisher.ts';
import { type RunningEnvoy, startEnvoy } from './running.ts';

const NODE = 'shop/web-1';
const LIMIT_MS = 30_000;
const EXTENSIONS = 'type.googleapis.com/envoy.extensions';

interface Mode {
  readonly apiType: 'GRPC' | 'DELTA_GRPC';
  readonly isAggregated: boolean;
}

const MODES: readonly Mode[] = (['GRPC', 'DELTA_GRPC'] as const).flatMap((apiType) => [
  { apiType, isAggregated: true },
  { apiType, isAggregated: false },
]);

/** What is served: the application behind the one cluster, how the cluster connects, and what the route does. */
interface Wanted {
  readonly port: number;
  readonly connectTimeout?: string;
  readonly status?: number;
}

describe('Envoy follows the xDS server', { skip: missing('envoy') }, () => {
  const server = new XdsPublisher(1_000);
  const { views, counters, publisher } = server;
  const apps: Server[] = [];

  before(async () => {
    await server.listen(NODE);
    for (const name of ['one', 'two']) {
      const app = createServer((_request, response) => response.end(name));
      await new Promise<void>((done) => app.listen(0, '127.0.0.1', done));
      apps.push(app);
    }
  });

  after(async () => {
    await server.close();
    for (const app of apps) app.close();
  });

  function portOf(app: number): number {
    const address = apps[app]?.address() as AddressInfo | undefined;
    assert.ok(address);
    return address.port;
  }

  for (const mode of MODES) {
    test(`${mode.apiType}, ${mode.isAggregated ? 'ADS' : 'separate services'}`, async () => {
      offer(mode, { port: portOf(0) });
      const envoy = await startEnvoy(bootstrap(mode));
      try {
        await follows(envoy, mode);
      } finally {
        await envoy.stop();
      }
      await until('the proxy is gone', LIMIT_MS, () => publisher.proxies().length === 0 || null);
    });
  }

  async function follows(envoy: RunningEnvoy, mode: Mode): Promise<void> {
    const url = `http://127.0.0.1:${envoy.ports.get('inbound')}/`;
    const answers = async (expected: string): Promise<void> => {
      await until(`Envoy answers ${expected}`, LIMIT_MS, async () => {
        const response = await fetch(url);
        return `${response.status} ${await response.text()}` === expected || null;
      });
    };
    await answers('200 one');
    offer(mode, { port: portOf(1) });
    await answers('200 two');
    // A cluster that changes alone warms until its assignment comes again, and serves all the while.
    offer(mode, { port: portOf(1), connectTimeout: '3s' });
    assert.ok(await publisher.waitForAck({ type: TYPE_URLS.cluster }, LIMIT_MS));
    await until('the cluster has changed', LIMIT_MS, async () => {
      const dump = await envoy.admin('/config_dump?resource=dynamic_active_clusters');
      return dump.includes('"3s"') || null;
    });
    await answers('200 two');
    offer(mode, { port: portOf(1), status: 418 });
    await answers('418 ');

    offer(mode, { port: portOf(1), connectTimeout: '-1s' });
    const refused = await until('a refusal', LIMIT_MS, () => {
      const clusters = publisher.proxy(NODE)?.types.find(({ type }) => type === TYPE_URLS.cluster);
      return clusters?.nacks[0] ?? null;
    });
    assert.match(refused.reason, /positive duration/);
    offer(mode, { port: portOf(0) });
    await answers('200 one');
    assert.ok(await publisher.waitForAck({ type: TYPE_URLS.cluster }, LIMIT_MS));
    const methods = publisher.proxy(NODE)?.methods ?? [];
    assert.equal(methods.length, mode.isAggregated ? 1 : 4, String(methods));
  }

  test('load reports of Envoy become metrics of the service', async () => {
    const [mode] = MODES;
    assert.ok(mode);
    offer(mode, { port: portOf(0) });
    const envoy = await startEnvoy(bootstrap(mode));
    try {
      // Envoy measures a cluster from the period on after it came.
      const labels = await until('a report', LIMIT_MS, async () => {
        await (await fetch(`http://127.0.0.1:${envoy.ports.get('inbound')}/`)).text();
        const all = [...counters.series()].filter(({ name }) => name === 'weft_load_requests_total');
        return all.find((each) => each.labels['cluster'] === 'app' && each.value > 0)?.labels ?? null;
      });
      assert.deepEqual(labels, { source: 'web.shop', cluster: 'app', locality: 'eu', result: 'success' });
    } finally {
      await envoy.stop();
    }
  });

  function offer(mode: Mode, wanted: Wanted): void {
    views.set(NODE, 'endpoints', ...resources(mode, wanted));
    publisher.flush();
  }

  function bootstrap(mode: Mode): Record<string, unknown> {
    const source = sourceOf(mode);
    return {
      node: { id: NODE, cluster: 'web', metadata: { kind: 'envoy' } },
      cluster_manager: { load_stats_config: grpcSource('GRPC') },
      dynamic_resources: {
        ...(mode.isAggregated ? { ads_config: grpcSource(mode.apiType) } : {}),
        cds_config: source,
        lds_config: source,
      },
      static_resources: { clusters: [xdsCluster()] },
    };
  }

  function xdsCluster(): Record<string, unknown> {
    const { port, identity: own } = server;
    const inline = (text: string) => ({ inline_string: text });
    return {
      name: 'xds',
      type: 'STATIC',
      typed_extension_protocol_options: {
        'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
          '@type': `${EXTENSIONS}.upstreams.http.v3.HttpProtocolOptions`,
          explicit_http_config: { http2_protocol_options: {} },
        },
      },
      load_assignment: assignment('xds', port),
      transport_socket: {
        name: 'tls',
        typed_config: {
          '@type': `${EXTENSIONS}.transport_sockets.tls.v3.UpstreamTlsContext`,
          sni: 'localhost',
          common_tls_context: {
            tls_params: { tls_maximum_protocol_version: 'TLSv1_3' },
            tls_certificates: [
              { certificate_chain: inline(own.certificateChainPem), private_key: inline(own.privateKeyPem) },
            ],
            validation_context: { trusted_ca: inline(own.trustBundlePem) },
          },
        },
      },
    };
  }
});

function grpcSource(apiType: Mode['apiType']): JsonValue {
  return {
    api_type: apiType,
    transport_api_version: 'V3',
    grpc_services: [{ envoy_grpc: { cluster_name: 'xds' } }],
  };
}

function sourceOf({ apiType, isAggregated }: Mode): JsonValue {
  const from: Record<string, JsonValue> = isAggregated ? { ads: {} } : { api_config_source: grpcSource(apiType) };
  return { ...from, resource_api_version: 'V3' };
}

function assignment(name: string, port: number): JsonValue {
  const endpoint = { address: { socket_address: { address: '127.0.0.1', port_value: port } } };
  return { cluster_name: name, endpoints: [{ locality: { region: 'eu' }, lb_endpoints: [{ endpoint }] }] };
}

function resources(mode: Mode, { port, connectTimeout = '1s', status }: Wanted): XdsResource[] {
  const source = sourceOf(mode);
  const action: Record<string, JsonValue> =
    status === undefined ? { route: { cluster: 'app' } } : { direct_response: { status } };
  return [
    resource(TYPE_URLS.cluster, 'app', {
      name: 'app',
      type: 'EDS',
      connect_timeout: connectTimeout,
      eds_cluster_config: { eds_config: source },
    }),
    resource(TYPE_URLS.endpoints, 'app', assignment('app', port)),
    resource(TYPE_URLS.listener, 'inbound', {
      name: 'inbound',
      address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
      filter_chains: [{ filters: [connectionManager(source)] }],
    }),
    resource(TYPE_URLS.routes, 'routes', {
      name: 'routes',
      virtual_hosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, ...action }] }],
    }),
  ];
}

function connectionManager(source: JsonValue): JsonValue {
  return {
    name: 'hcm',
    typed_config: {
      '@type': `${EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
      stat_prefix: 'inbound',
      rds: { route_config_name: 'routes', config_source: source },
      http_filters: [{ name: 'router', typed_config: { '@type': `${EXTENSIONS}.filters.http.router.v3.Router` } }],
    },
  };
}

function resource(type: TypeUrl, name: string, json: JsonValue): XdsResource {
  const schema = envoyTypes.getMessage(type.slice(type.indexOf('/') + 1));
  assert.ok(schema, type);
  return xdsResource(type, name, toBinary(schema, fromJson(schema, json, { registry: envoyTypes })));
}
