/** Subsets of a cluster's hosts, in the real Envoy and in `weft proxy -c` under the same file: each request reaches the same hosts. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { missing } from '../support/components.ts';
import { type RunningEnvoy, startEnvoy, startWeftProxy } from './running.ts';

type Json = Readonly<Record<string, unknown>>;

const P = 'type.googleapis.com/envoy.extensions.';
const PROXIES = ['envoy', 'weft'] as const;

/** By name; each answers with it. */
const HOSTS: Readonly<Record<string, Json>> = {
  v1a: { version: 'v1', stage: 'prod' },
  v1b: { version: 'v1', stage: 'prod', canary: true },
  v2: { version: 'v2', stage: 'prod' },
  v3: { version: ['v3', 'next'], stage: 'dev', number: 3 },
  plain: {},
};

const keys = (...names: readonly string[]) => ({ keys: names });

/** By cluster. */
const SUBSETS: Readonly<Record<string, Json>> = {
  none: { subset_selectors: [keys('version'), keys('stage', 'version'), keys('number')] },
  any: { fallback_policy: 'ANY_ENDPOINT', subset_selectors: [keys('version')] },
  default: { fallback_policy: 'DEFAULT_SUBSET', default_subset: { stage: 'dev' }, subset_selectors: [keys('version')] },
  empty: { fallback_policy: 'DEFAULT_SUBSET', default_subset: { stage: 'lost' }, subset_selectors: [keys('version')] },
  panic: {
    fallback_policy: 'DEFAULT_SUBSET',
    default_subset: { stage: 'lost' },
    panic_mode_any: true,
    subset_selectors: [keys('version')],
  },
  lists: { list_as_any: true, subset_selectors: [keys('version')] },
  selectors: {
    fallback_policy: 'ANY_ENDPOINT',
    default_subset: { stage: 'dev' },
    subset_selectors: [
      { ...keys('version'), fallback_policy: 'NO_FALLBACK' },
      { ...keys('stage'), fallback_policy: 'DEFAULT_SUBSET' },
      { ...keys('number'), fallback_policy: 'ANY_ENDPOINT' },
      { ...keys('stage', 'version'), fallback_policy: 'KEYS_SUBSET', fallback_keys_subset: ['stage'] },
    ],
  },
  single: { subset_selectors: [{ ...keys('stage'), single_host_per_subset: true }] },
  tries: { metadata_fallback_policy: 'FALLBACK_LIST', subset_selectors: [keys('version')] },
};

const ASKED: Readonly<Record<string, Json>> = {
  nothing: {},
  v1: { version: 'v1' },
  v9: { version: 'v9' },
  next: { version: 'next' },
  prod1: { version: 'v1', stage: 'prod' },
  prod9: { version: 'v9', stage: 'prod' },
  lost: { stage: 'lost' },
  lost9: { stage: 'lost', version: 'v9' },
  number: { number: 3 },
  text: { number: '3' },
  stage: { stage: 'prod' },
  list: { version: 'v8', fallback_list: [{ version: 'v9' }, { version: 'v2' }] },
};

const match = (fields: Json) => ({ metadata_match: { filter_metadata: { 'envoy.lb': fields } } });

function cluster(name: string, subsets: Json, ports: ReadonlyMap<string, number>) {
  const lb_endpoints = Object.entries(HOSTS).map(([host, labels]) => ({
    endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: ports.get(host) } } },
    metadata: { filter_metadata: { 'envoy.lb': labels } },
  }));
  return {
    name,
    type: 'STATIC',
    connect_timeout: '1s',
    ...subsets,
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints }] },
  };
}

/** The same subsets by the newer way to name a policy. */
function asPolicy(subsets: Json) {
  const turns = { name: 'turns', typed_config: { '@type': `${P}load_balancing_policies.round_robin.v3.RoundRobin` } };
  const typed_config = {
    '@type': `${P}load_balancing_policies.subset.v3.Subset`,
    ...subsets,
    subset_lb_policy: { policies: [{ typed_extension_config: turns }] },
  };
  return { load_balancing_policy: { policies: [{ typed_extension_config: { name: 'subset', typed_config } }] } };
}

function bootstrap(ports: ReadonlyMap<string, number>): Json {
  const clusters = [
    ...Object.entries(SUBSETS).map(([name, subsets]) => cluster(name, { lb_subset_config: subsets }, ports)),
    cluster('policy', asPolicy(SUBSETS['default'] ?? {}), ports),
    cluster('redundant', asPolicy({ ...SUBSETS['none'], allow_redundant_keys: true }), ports),
  ];
  const routes = clusters.flatMap(({ name }) =>
    Object.entries(ASKED).map(([asked, fields]) => ({
      match: { path: `/${name}/${asked}` },
      route: { cluster: name, ...(asked === 'nothing' ? {} : match(fields)) },
    })),
  );
  const merged = {
    match: { path: '/merged' },
    route: {
      ...match({ stage: 'prod', version: 'v1' }),
      weighted_clusters: { clusters: [{ name: 'none', weight: 1, ...match({ version: 'v2' }) }] },
    },
  };
  const manager = {
    '@type': `${P}filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'subsets',
    route_config: { name: 'subsets', virtual_hosts: [{ name: 'all', domains: ['*'], routes: [...routes, merged] }] },
    http_filters: [{ name: 'router', typed_config: { '@type': `${P}filters.http.router.v3.Router` } }],
  };
  const tcp = {
    '@type': `${P}filters.network.tcp_proxy.v3.TcpProxy`,
    stat_prefix: 'tcp',
    cluster: 'none',
    ...match({ version: 'v2' }),
  };
  const address = { socket_address: { address: '127.0.0.1', port_value: 0 } };
  const listener = (name: string, typed_config: Json) => ({
    name,
    address,
    filter_chains: [{ filters: [{ name: 'main', typed_config }] }],
  });
  return { static_resources: { clusters, listeners: [listener('http', manager), listener('tcp', tcp)] } };
}

/** Enough for every host to have a turn. */
const REQUESTS = 12;

async function reached(port: number, path: string): Promise<readonly string[]> {
  const found = new Set<string>();
  for (let i = 0; i < REQUESTS; i++) {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    const body = await response.text();
    found.add(response.ok ? body : `status ${response.status}`);
  }
  return [...found].toSorted();
}

describe('subsets of hosts', { skip: missing('envoy') }, () => {
  const servers: Server[] = [];
  const proxies = new Map<string, RunningEnvoy>();

  before(async () => {
    const ports = new Map<string, number>();
    for (const name of Object.keys(HOSTS)) {
      const server = createServer((_request, response) => void response.end(name));
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

  async function both(path: string, listener = 'http'): Promise<readonly string[]> {
    const [envoy = [], weft = []] = await Promise.all(
      PROXIES.map((name) => reached(proxies.get(name)?.ports.get(listener) ?? 0, path)),
    );
    assert.deepEqual(weft, envoy, path);
    return weft;
  }

  for (const name of [...Object.keys(SUBSETS), 'policy', 'redundant']) {
    test(`the cluster ${name}`, async () => {
      for (const asked of Object.keys(ASKED)) await both(`/${name}/${asked}`);
    });
  }

  test('what a weighted cluster asks for counts before what its route does', async () => {
    assert.deepEqual(await both('/merged'), ['v2']);
  });

  test('a TCP proxy asks as well', async () => {
    assert.deepEqual(await both('/', 'tcp'), ['v2']);
  });

  test('subsets are counted alike', async () => {
    const [envoy, weft] = await Promise.all(
      // How many there are Envoy counts once a thread.
      PROXIES.map(async (name) => await proxies.get(name)?.admin('/stats?filter=lb_subsets_(fallback|selected)')),
    );
    assert.deepEqual(weft, envoy);
  });
});
