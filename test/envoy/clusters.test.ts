/** What a cluster says of its connections and names, in the real Envoy and in `weft proxy -c` under the same file. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type Http2Server, type Http2ServerRequest } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { missing } from '../support/components.ts';
import { type RunningEnvoy, startEnvoy, startWeftProxy } from './running.ts';

type Json = Readonly<Record<string, unknown>>;

const P = 'type.googleapis.com/envoy.extensions.';
const PROXIES = ['envoy', 'weft'] as const;
const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

const resolver = (name: string, config: Json = {}) => ({
  typed_dns_resolver_config: { name, typed_config: { '@type': `${P}network.dns_resolver.${name}`, ...config } },
});
const CARES = 'cares.v3.CaresDnsResolverConfig';
const SYSTEM = 'getaddrinfo.v3.GetAddrInfoDnsResolverConfig';
const DNS = { type: 'STRICT_DNS', at: 'localhost' };

/** To a back end of HTTP/1.1 where `h2` does not say otherwise. */
const CLUSTERS: Readonly<Record<string, Json & { readonly h2?: boolean; readonly at?: string }>> = {
  plain: {},
  'old-http1': { http_protocol_options: {} },
  'old-http2': { http2_protocol_options: { max_concurrent_streams: 100 }, h2: true },
  following: {
    http_protocol_options: {},
    http2_protocol_options: {},
    protocol_selection: 'USE_DOWNSTREAM_PROTOCOL',
  },
  beside: {
    http2_protocol_options: {},
    typed_extension_protocol_options: {
      [HTTP_OPTIONS]: {
        '@type': `${P}upstreams.http.v3.HttpProtocolOptions`,
        explicit_http_config: { http_protocol_options: {} },
      },
    },
  },
  requests: { max_requests_per_connection: 2 },
  'common-http': { common_http_protocol_options: { max_requests_per_connection: 3, idle_timeout: '30s' } },
  names: { upstream_http_protocol_options: { auto_sni: true, auto_san_validation: true } },
  called: { alt_stat_name: 'other:name' },
  common: {
    common_lb_config: {
      ignore_new_hosts_until_first_hc: true,
      close_connections_on_host_set_change: true,
      override_host_status: { statuses: ['HEALTHY'] },
      update_merge_window: '0s',
    },
    health_checks: [
      {
        timeout: '1s',
        interval: '1s',
        no_traffic_healthy_interval: '2s',
        unhealthy_threshold: 1,
        healthy_threshold: 1,
        tcp_health_check: {},
      },
    ],
  },
  bound: {
    upstream_bind_config: {
      source_address: { address: '127.0.0.7', port_value: 0 },
      extra_source_addresses: [{ address: { address: '::1', port_value: 0 } }],
    },
    upstream_connection_options: {
      tcp_keepalive: { keepalive_time: 30, keepalive_probes: 3, keepalive_interval: 10 },
      set_local_interface_name_on_upstream_connections: true,
    },
  },
  tuned: { per_connection_buffer_limit_bytes: 32_768, wait_for_warm_on_init: true },
  'dns-v4': { ...DNS, dns_lookup_family: 'V4_ONLY', respect_dns_ttl: true, dns_refresh_rate: '60s' },
  'dns-preferred': { ...DNS, dns_lookup_family: 'V4_PREFERRED', dns_failure_refresh_rate: { base_interval: '1s' } },
  'dns-all': { ...DNS, type: 'LOGICAL_DNS', dns_lookup_family: 'V4_ONLY', ...resolver(SYSTEM) },
  'dns-cares': {
    ...DNS,
    dns_lookup_family: 'V4_ONLY',
    ...resolver(CARES, {
      use_resolvers_as_fallback: true,
      resolvers: [{ socket_address: { address: '127.0.0.1', port_value: 53 } }],
    }),
  },
  'dns-missing': {
    ...DNS,
    at: '127.0.0.1.nip.invalid',
    dns_failure_refresh_rate: { base_interval: '5s', max_interval: '9s' },
  },
};

/** Both refuse them. */
const REFUSED: Readonly<Record<string, readonly [Json, RegExp]>> = {
  'both protocols': [{ http_protocol_options: {}, http2_protocol_options: {} }, /http_protocol_options/],
  'no base of a back-off': [{ dns_failure_refresh_rate: {} }, /dns_failure_refresh_rate.base_interval/],
  'a back-off that shrinks': [
    { ...DNS, dns_failure_refresh_rate: { base_interval: '9s', max_interval: '1s' } },
    /dns_failure_refresh_rate.max_interval/,
  ],
};

/** Of four hosts three are called unhealthy: all are used where fewer are well than the threshold says. */
const PANIC: Readonly<Record<string, Json>> = {
  'panic-unset': {},
  'panic-30': { common_lb_config: { healthy_panic_threshold: { value: 30 } } },
  'panic-20': { common_lb_config: { healthy_panic_threshold: { value: 20 } } },
  'panic-0': { common_lb_config: { healthy_panic_threshold: { value: 0 } } },
};

interface Ports {
  readonly http1: number;
  readonly http2: number;
}

function cluster(name: string, { h2 = false, at = '127.0.0.1', ...fields }: (typeof CLUSTERS)[string], ports: Ports) {
  const address = { socket_address: { address: at, port_value: h2 ? ports.http2 : ports.http1 } };
  const load_assignment = { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] };
  return { name, type: 'STATIC', connect_timeout: '1s', ...fields, load_assignment };
}

function panicCluster(name: string, fields: Json, { http1 }: Ports) {
  const lb_endpoints = ['UNHEALTHY', 'HEALTHY', 'UNHEALTHY', 'UNHEALTHY'].map((health_status, i) => ({
    health_status,
    endpoint: { address: { socket_address: { address: `127.0.0.${i + 1}`, port_value: http1 } } },
  }));
  return { name, type: 'STATIC', ...fields, load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints }] } };
}

function bootstrap(clusters: readonly Json[]): Json {
  const manager = {
    '@type': `${P}filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'clusters',
    route_config: {
      name: 'clusters',
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: clusters.map(({ name }) => ({ match: { path: `/${String(name)}` }, route: { cluster: name } })),
        },
      ],
    },
    http_filters: [{ name: 'router', typed_config: { '@type': `${P}filters.http.router.v3.Router` } }],
  };
  const listener = {
    name: 'http',
    address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
    filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }],
  };
  return { static_resources: { clusters, listeners: [listener] } };
}

async function listen(server: Server | Http2Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  return (server.address() as AddressInfo).port;
}

/** From where, by which protocol, and the how manieth request of its connection. */
function answer(request: IncomingMessage | Http2ServerRequest, response: { end(text: string): unknown }): void {
  const counted = request.socket as { weftSeen?: number };
  counted.weftSeen = (counted.weftSeen ?? 0) + 1;
  response.end(
    `${request.socket.remoteAddress} HTTP/${request.httpVersion} ${request.httpVersionMajor === 2 ? '' : counted.weftSeen}`,
  );
}

describe('what a cluster says of its connections', { skip: missing('envoy') }, () => {
  const http1 = createServer((request, response: ServerResponse) => {
    response.setHeader('x-host', request.socket.localAddress ?? '');
    answer(request, response);
  });
  const http2 = createHttp2Server((request, response) => answer(request, response));
  const proxies = new Map<string, RunningEnvoy>();
  let ports: Ports = { http1: 0, http2: 0 };

  before(async () => {
    ports = { http1: await listen(http1), http2: await listen(http2) };
    const file = bootstrap([
      ...Object.entries(CLUSTERS).map(([name, fields]) => cluster(name, fields, ports)),
      ...Object.entries(PANIC).map(([name, fields]) => panicCluster(name, fields, ports)),
    ]);
    proxies.set('envoy', await startEnvoy(file));
    proxies.set('weft', await startWeftProxy(file));
  });

  after(async () => {
    for (const proxy of proxies.values()) await proxy.stop();
    http1.closeAllConnections();
    http1.close();
    http2.close();
  });

  async function both<T>(ask: (proxy: RunningEnvoy) => Promise<T>, what: string): Promise<T> {
    const [envoy, weft] = await Promise.all(
      PROXIES.map((name) => {
        const proxy = proxies.get(name);
        assert.ok(proxy !== undefined);
        return ask(proxy);
      }),
    );
    assert.deepEqual(weft, envoy, what);
    return weft as T;
  }

  for (const name of Object.keys(CLUSTERS)) {
    test(name, async () => {
      await both(async ({ ports: own }) => {
        const told: string[] = [];
        for (let i = 0; i < 5; i++) {
          const response = await fetch(`http://127.0.0.1:${own.get('http')}/${name}`);
          const text = await response.text();
          told.push(response.ok ? text : String(response.status));
        }
        return told;
      }, name);
    });
  }

  for (const [name, hosts] of [
    ['panic-unset', 4],
    ['panic-30', 4],
    ['panic-20', 1],
    ['panic-0', 1],
  ] as const) {
    test(name, async () => {
      const reached = await both(async ({ ports: own }) => {
        const found = new Set<string>();
        for (let i = 0; i < 12; i++) {
          const response = await fetch(`http://127.0.0.1:${own.get('http')}/${name}`);
          await response.text();
          found.add(response.headers.get('x-host') ?? '');
        }
        return [...found].toSorted();
      }, name);
      assert.equal(reached.length, hosts);
    });
  }

  test('its name in statistics', async () => {
    const told = await both(({ admin }) => admin('/stats?filter=other.*membership_total'), 'stats');
    assert.equal(told, 'cluster.other_name.membership_total: 1\n');
  });

  for (const [what, [fields, reason]] of Object.entries(REFUSED)) {
    test(`refused: ${what}`, async () => {
      const file = bootstrap([cluster('refused', fields, ports)]);
      await assert.rejects(startEnvoy(file));
      await assert.rejects(startWeftProxy(file), reason);
    });
  }
});
