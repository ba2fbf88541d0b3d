/** Which hosts a retry goes to, in the real Envoy and in `weft proxy -c` under the same file, as the hosts saw it. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { missing } from '../support/components.ts';
import { type RunningEnvoy, startEnvoy, startWeftProxy } from './running.ts';

type Json = Readonly<Record<string, unknown>>;

const P = 'type.googleapis.com/envoy.extensions.';
const PROXIES = ['envoy', 'weft'] as const;

interface Host {
  readonly name: string;
  readonly status: number;
  readonly labels?: Json;
  readonly priority?: number;
}

const ZONES: readonly Host[] = [
  { name: 'broken', status: 503 },
  { name: 'canary', status: 200, labels: { canary: true } },
  { name: 'spare', status: 200, labels: { kind: ['spare', 'old'] } },
  { name: 'plain', status: 200 },
];

const PRIORITIES: readonly Host[] = [
  { name: 'first-a', status: 503 },
  { name: 'first-b', status: 503 },
  { name: 'second', status: 503, priority: 1 },
  { name: 'third', status: 200, priority: 2 },
];

const predicate = (name: string, config: Json = {}) => ({
  name,
  typed_config: { '@type': `${P}retry.host.${name}`, ...config },
});
const PREVIOUS = predicate('previous_hosts.v3.PreviousHostsPredicate');
const CANARY = predicate('omit_canary_hosts.v3.OmitCanaryHostsPredicate');
const SPARE = predicate('omit_host_metadata.v3.OmitHostMetadataConfig', {
  metadata_match: { filter_metadata: { 'envoy.lb': { kind: 'spare' } } },
});
const priorities = (update_frequency: number) => ({
  retry_priority: {
    name: 'previous',
    typed_config: { '@type': `${P}retry.priority.previous_priorities.v3.PreviousPrioritiesConfig`, update_frequency },
  },
});

/** By path. */
const POLICIES: Readonly<Record<string, { readonly cluster: string; readonly policy: Json }>> = {
  previous: { cluster: 'zones', policy: { num_retries: 1, retry_host_predicate: [PREVIOUS] } },
  canary: { cluster: 'zones', policy: { num_retries: 1, retry_host_predicate: [PREVIOUS, CANARY] } },
  metadata: { cluster: 'zones', policy: { num_retries: 1, retry_host_predicate: [PREVIOUS, SPARE] } },
  both: { cluster: 'zones', policy: { num_retries: 1, retry_host_predicate: [PREVIOUS, SPARE, CANARY] } },
  each: { cluster: 'priorities', policy: { num_retries: 3, retry_host_predicate: [PREVIOUS], ...priorities(1) } },
  second: { cluster: 'priorities', policy: { num_retries: 3, retry_host_predicate: [PREVIOUS], ...priorities(2) } },
};

function cluster(name: string, hosts: readonly Host[], ports: ReadonlyMap<string, number>) {
  const endpoints = hosts.map((host) => ({
    priority: host.priority ?? 0,
    lb_endpoints: [
      {
        endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: ports.get(host.name) } } },
        metadata: { filter_metadata: { 'envoy.lb': host.labels ?? {} } },
      },
    ],
  }));
  return {
    name,
    type: 'STATIC',
    lb_policy: 'RANDOM',
    connect_timeout: '1s',
    load_assignment: { cluster_name: name, endpoints },
  };
}

function bootstrap(ports: ReadonlyMap<string, number>, policies: typeof POLICIES = POLICIES): Json {
  const routes = Object.entries(policies).map(([path, { cluster: name, policy }]) => ({
    match: { path: `/${path}` },
    route: {
      cluster: name,
      retry_policy: {
        retry_on: '5xx',
        host_selection_retry_max_attempts: 50,
        retry_back_off: { base_interval: '0.001s' },
        ...policy,
      },
    },
  }));
  const manager = {
    '@type': `${P}filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'retries',
    route_config: { name: 'retries', virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
    http_filters: [{ name: 'router', typed_config: { '@type': `${P}filters.http.router.v3.Router` } }],
  };
  const listener = {
    name: 'http',
    address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
    filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }],
  };
  const clusters = [cluster('zones', ZONES, ports), cluster('priorities', PRIORITIES, ports)];
  return { static_resources: { clusters, listeners: [listener] } };
}

/** Enough for each host to have been first, and each to have been second after it: a way of one in twelve is missed once in a million. */
const REQUESTS = 160;

describe('the hosts of retries', { skip: missing('envoy') }, () => {
  const servers: Server[] = [];
  const proxies = new Map<string, RunningEnvoy>();
  const ports = new Map<string, number>();
  /** By request: who saw it. */
  const seen = new Map<string, string[]>();

  before(async () => {
    for (const { name, status } of [...ZONES, ...PRIORITIES]) {
      const server = createServer(({ headers }, response) => {
        const run = String(headers['x-run']);
        seen.set(run, [...(seen.get(run) ?? []), name]);
        response.writeHead(status).end();
      });
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      ports.set(name, (server.address() as AddressInfo).port);
    }
    proxies.set('envoy', await startEnvoy(bootstrap(ports)));
    proxies.set('weft', await startWeftProxy(bootstrap(ports)));
  });

  after(async () => {
    for (const proxy of proxies.values()) await proxy.stop();
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
  });

  /** Every way that requests took, by the hosts that saw them. */
  async function ways(proxy: string, path: string): Promise<readonly string[]> {
    const port = proxies.get(proxy)?.ports.get('http');
    const found = new Set<string>();
    for (let i = 0; i < REQUESTS; i++) {
      const run = `${proxy} ${path} ${i}`;
      const response = await fetch(`http://127.0.0.1:${port}/${path}`, { headers: { 'x-run': run } });
      await response.arrayBuffer();
      found.add(`${(seen.get(run) ?? []).join(' ')}: ${response.status}`);
    }
    return [...found].toSorted();
  }

  for (const path of Object.keys(POLICIES)) {
    test(path, async () => {
      const [envoy, weft] = await Promise.all(PROXIES.map((proxy) => ways(proxy, path)));
      assert.deepEqual(weft, envoy);
    });
  }

  test('a plug-in that is not there is refused', async () => {
    const policy = {
      retry_host_predicate: [{ name: 'x', typed_config: { '@type': `${P}filters.http.router.v3.Router` } }],
    };
    const file = bootstrap(ports, { bad: { cluster: 'zones', policy } });
    await assert.rejects(startEnvoy(file));
    await assert.rejects(startWeftProxy(file), /retry_host_predicate\[0\]/);
  });
});
