/**
 * Pages of the admin endpoint that have Envoy's paths have Envoy's shapes: protobuf reads them as the messages that they
 * claim to be, and they have the fields that the real Envoy prints of the same file, but for those that are listed here.
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { create, createFileRegistry, fromJson, type JsonValue, type Registry } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { createAuthority } from '../../src/runtime/test/certificates.ts';
import { compile } from '../../tools/protos/descriptors.ts';
import { until } from '../support/child.ts';
import { missing } from '../support/components.ts';
import { type RunningEnvoy, startEnvoy, startWeftProxy } from './running.ts';

const P = 'type.googleapis.com/envoy.extensions.';
const PROTOS = [
  'envoy/admin/v3/certs.proto',
  'envoy/admin/v3/clusters.proto',
  'envoy/admin/v3/config_dump.proto',
  'envoy/admin/v3/listeners.proto',
  'envoy/admin/v3/server_info.proto',
  'envoy/config/cluster/v3/cluster.proto',
  'envoy/config/listener/v3/listener.proto',
  'envoy/config/route/v3/route.proto',
  'envoy/extensions/filters/http/router/v3/router.proto',
  'envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto',
  'envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.proto',
  'envoy/extensions/transport_sockets/tls/v3/tls.proto',
];

const PAGES: readonly (readonly [path: string, message: string])[] = [
  ['/config_dump', 'ConfigDump'],
  ['/config_dump?include_eds', 'ConfigDump'],
  ['/config_dump?resource=static_clusters', 'ConfigDump'],
  ['/config_dump?resource=static_listeners', 'ConfigDump'],
  ['/config_dump?name_regex=app', 'ConfigDump'],
  ['/clusters?format=json', 'Clusters'],
  ['/listeners?format=json', 'Listeners'],
  ['/certs', 'Certificates'],
  ['/server_info', 'ServerInfo'],
];

/** Of Envoy's fields those that this proxy does not tell, with the reason. */
const LACKS: readonly (readonly [fields: RegExp, reason: string])[] = [
  [/<BootstrapConfigDump>\.bootstrap\.(static_resources|admin)/, 'static resources stand in the other dumps'],
  [
    /node\.(user_agent_build_version|extensions|client_features|listening_addresses|dynamic_parameters)/,
    'of Envoy as a program',
  ],
  [/node\.locality\.sub_zone/, 'empty'],
  [/^ServerInfo\.hot_restart/, 'nothing is restarted hot'],
  [/^ServerInfo\.command_line_options\./, 'flags of Envoy'],
  [/circuit_breakers\.thresholds\[\]\.priority/, 'requests have one priority'],
  [/<EndpointsConfigDump>/, 'endpoints of static clusters stand in them'],
  [/<ScopedRoutesConfigDump>/, 'there are none'],
];

/** Fields that only this proxy has: all are of the same messages. */
const ADDS: readonly (readonly [fields: RegExp, reason: string])[] = [
  [/ConfigDump>\.dynamic_/, 'empty lists'],
  [/ConfigDump>\.static_\w+$/, 'empty lists'],
  [/bootstrap\.node\.user_agent_version/, 'there is no build version'],
  [/added_via_api|host_statuses\[\]\.priority/, 'said even where it is the default'],
  [/static_secrets\[\]\.last_updated/, 'known here'],
];

const socket = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });

describe('the admin endpoint in the shapes of Envoy', { skip: missing('envoy') }, () => {
  const proxies = new Map<'weft' | 'envoy', RunningEnvoy>();
  const backend = createServer((_, response) => response.end('ok'));
  let registry: Registry | null = null;

  before(async () => {
    registry = createFileRegistry(create(FileDescriptorSetSchema, { file: compile(PROTOS) }));
    await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
    const bootstrap = await bootstrapWith((backend.address() as AddressInfo).port);
    proxies.set('weft', await startWeftProxy(bootstrap));
    proxies.set('envoy', await startEnvoy(bootstrap));
  });

  after(async () => {
    backend.close();
    await Promise.all([...proxies.values()].map((proxy) => proxy.stop()));
  });

  const page = async (proxy: 'weft' | 'envoy', path: string): Promise<string> => {
    const running = proxies.get(proxy);
    assert.ok(running !== undefined);
    return running.admin(path);
  };

  for (const [path, name] of PAGES) {
    test(`${path} is an envoy.admin.v3.${name}`, async () => {
      const schema = registry?.getMessage(`envoy.admin.v3.${name}`);
      assert.ok(registry !== null && schema !== undefined);
      fromJson(schema, JSON.parse(await page('weft', path)) as JsonValue, { registry });
    });

    test(`${path} has the fields that Envoy prints`, async () => {
      const [weft, envoy] = await Promise.all(
        (['weft', 'envoy'] as const).map(async (proxy) =>
          fieldsOf(name, JSON.parse(await page(proxy, path)) as JsonValue),
        ),
      );
      assert.ok(weft !== undefined && envoy !== undefined);
      const beside = (all: ReadonlySet<string>, others: ReadonlySet<string>, known: typeof LACKS): readonly string[] =>
        [...all].filter((field) => !others.has(field) && !known.some(([pattern]) => pattern.test(field)));
      assert.deepEqual(beside(envoy, weft, LACKS), [], 'only Envoy');
      assert.deepEqual(beside(weft, envoy, ADDS), [], 'only Weft');
    });
  }

  test('the identities of TLS are the same, by their serial numbers', async () => {
    const serials = async (proxy: 'weft' | 'envoy'): Promise<readonly string[]> =>
      [...(await page(proxy, '/certs')).matchAll(/"serial_number": ?"(\w+)"/g)]
        .map(([, serial = '']) => serial)
        .toSorted();
    assert.deepEqual(new Set(await serials('weft')), new Set(await serials('envoy')));
  });

  test('metrics: each type is told once and before its series, no series twice', async () => {
    await until('the cluster is counted', 10_000, async () => /membership_total/.test(await page('weft', '/stats')));
    const seen = new Set<string>();
    const types = new Set<string>();
    for (const line of (await page('weft', '/stats/prometheus')).split('\n')) {
      const [, type] = /^# TYPE (\S+) (?:counter|gauge|histogram)$/.exec(line) ?? [];
      if (type !== undefined) assert.ok(!types.has(type), line);
      if (type !== undefined) types.add(type);
      if (line === '' || line.startsWith('#')) continue;
      const [, series = '', name = ''] =
        /^(([a-zA-Z_:][\w:]*)(?:\{(?:[a-zA-Z_]\w*="(?:[^"\\]|\\.)*",?)*\})?) (?:[-+]?[\d.e+-]+|NaN|\+Inf)$/.exec(
          line,
        ) ?? [];
      assert.ok(series !== '', line);
      assert.ok(types.has(name) || types.has(name.replace(/_(?:bucket|sum|count)$/, '')), line);
      assert.ok(!seen.has(series), `twice: ${series}`);
      seen.add(series);
    }
    assert.ok(seen.size > 20);
  });
});

/** Paths of fields, without indices; an Any among the configs is told by its type. Free-form objects end a path. */
function fieldsOf(root: string, json: JsonValue): ReadonlySet<string> {
  const fields = new Set<string>();
  const walk = (value: JsonValue, path: string): void => {
    if (Array.isArray(value)) for (const each of value) walk(each, `${path}[]`);
    else if (typeof value === 'object' && value !== null) {
      const type = path.endsWith('.configs[]')
        ? `<${JSON.stringify(value['@type'] ?? '')
            .split('.v3.')
            .at(-1)
            ?.replace('"', '')}>`
        : '';
      for (const [key, member] of Object.entries(value)) {
        fields.add(`${path}${type}.${key}`);
        if (key !== 'metadata') walk(member, `${path}${type}.${key}`);
      }
    }
  };
  walk(json, root);
  return fields;
}

async function bootstrapWith(port: number) {
  const identity = await (await createAuthority('test roots')).issue({ dnsNames: ['app.example'] });
  const roots = { trusted_ca: { inline_string: identity.trustBundlePem } };
  const certificate = {
    certificate_chain: { inline_string: identity.certificateChainPem },
    private_key: { inline_string: identity.privateKeyPem },
  };
  const tls = {
    '@type': `${P}transport_sockets.tls.v3.DownstreamTlsContext`,
    common_tls_context: { tls_certificates: [certificate], validation_context: roots },
  };
  const manager = {
    '@type': `${P}filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'web',
    route_config: {
      name: 'all',
      virtual_hosts: [{ name: 'v', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'app' } }] }],
    },
    http_filters: [{ name: 'router', typed_config: { '@type': `${P}filters.http.router.v3.Router` } }],
  };
  const tcp = { '@type': `${P}filters.network.tcp_proxy.v3.TcpProxy`, stat_prefix: 'tcp', cluster: 'app' };
  const endpoint = { endpoint: { hostname: 'a.example', address: socket(port) } };
  const cluster = {
    name: 'app',
    type: 'STATIC',
    connect_timeout: '1s',
    circuit_breakers: { thresholds: [{ max_connections: 10 }] },
    load_assignment: {
      cluster_name: 'app',
      endpoints: [{ locality: { region: 'r', zone: 'z' }, lb_endpoints: [endpoint] }],
    },
  };
  return {
    node: { id: 'n', cluster: 'c', metadata: { a: 1 }, locality: { region: 'r', zone: 'z' } },
    static_resources: {
      listeners: [
        {
          name: 'web',
          address: socket(0),
          filter_chains: [
            {
              transport_socket: { name: 'tls', typed_config: tls },
              filters: [{ name: 'http', typed_config: manager }],
            },
          ],
        },
        { name: 'tcp', address: socket(0), filter_chains: [{ filters: [{ name: 'tcp', typed_config: tcp }] }] },
      ],
      clusters: [cluster, { ...cluster, name: 'other', alt_stat_name: 'app' }],
      secrets: [{ name: 'roots', validation_context: roots }],
    },
  };
}
