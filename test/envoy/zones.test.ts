/** Zone-aware routing in the real Envoy and in `weft proxy -c` under the same file: what share of the requests stays in the own zone. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { missing } from '../support/components.ts';
import { type RunningEnvoy, startEnvoy, startWeftProxy } from './running.ts';

type Json = Readonly<Record<string, unknown>>;

const P = 'type.googleapis.com/envoy.extensions.';

interface Zones {
  /** Hosts in zone a, where the proxy is, and in zone b. */
  readonly hosts: readonly [a: number, b: number];
  readonly fields?: Json;
  /** What stays, in per cent. */
  readonly share: number;
}

/** Of four callers three are in zone a. */
const CLUSTERS: Readonly<Record<string, Zones>> = {
  most: { hosts: [6, 2], share: 100 },
  half: { hosts: [4, 4], share: 67 },
  few: { hosts: [2, 6], share: 33 },
  nobody: { hosts: [0, 6], share: 0 },
  small: { hosts: [2, 2], share: 50 },
  'small-but-said': {
    hosts: [2, 2],
    fields: { common_lb_config: { zone_aware_lb_config: { min_cluster_size: 4 } } },
    share: 67,
  },
  'in-part': {
    hosts: [6, 2],
    fields: { common_lb_config: { zone_aware_lb_config: { routing_enabled: { value: 0 } } } },
    share: 75,
  },
  random: { hosts: [4, 4], fields: { lb_policy: 'RANDOM' }, share: 67 },
  weighted: { hosts: [6, 2], fields: { common_lb_config: { locality_weighted_lb_config: {} } }, share: 50 },
};

const locality = (zone: string) => ({ region: 'r', zone, sub_zone: '' });

/** Hosts of zone a are at 127.0.1.N, those of zone b at 127.0.2.N. */
function cluster(name: string, hosts: readonly number[], port: number, fields: Json = {}) {
  const endpoints = hosts.map((count, zone) => ({
    locality: locality('ab'[zone] ?? ''),
    load_balancing_weight: 1,
    lb_endpoints: Array.from({ length: count }, (_, i) => ({
      endpoint: { address: { socket_address: { address: `127.0.${zone + 1}.${i + 1}`, port_value: port } } },
    })),
  }));
  return { name, type: 'STATIC', ...fields, load_assignment: { cluster_name: name, endpoints } };
}

function bootstrap(port: number, localCluster = 'callers'): Json {
  const clusters = Object.entries(CLUSTERS).map(([name, { hosts, fields }]) => cluster(name, hosts, port, fields));
  const routes = clusters.map(({ name }) => ({ match: { path: `/${name}` }, route: { cluster: name } }));
  const manager = {
    '@type': `${P}filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'zones',
    route_config: { name: 'zones', virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
    http_filters: [{ name: 'router', typed_config: { '@type': `${P}filters.http.router.v3.Router` } }],
  };
  const listener = {
    name: 'http',
    address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
    filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }],
  };
  return {
    node: { id: 'caller', cluster: 'callers', locality: locality('a') },
    cluster_manager: { local_cluster_name: localCluster },
    static_resources: { clusters: [...clusters, cluster('callers', [3, 1], port)], listeners: [listener] },
  };
}

const REQUESTS = 600;
/** Four standard deviations of a half. */
const TOLERANCE = 8.2;

describe('zones', { skip: missing('envoy') }, () => {
  const server = createServer(({ socket }, response) => void response.end(socket.localAddress));
  const proxies = new Map<string, RunningEnvoy>();
  let port = 0;

  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
    port = (server.address() as AddressInfo).port;
    proxies.set('envoy', await startEnvoy(bootstrap(port)));
    proxies.set('weft', await startWeftProxy(bootstrap(port)));
  });

  after(async () => {
    for (const proxy of proxies.values()) await proxy.stop();
    server.closeAllConnections();
    server.close();
  });

  for (const [name, { share }] of Object.entries(CLUSTERS)) {
    test(`${name}: ${share} % stay`, async () => {
      for (const [kind, { ports }] of proxies) {
        let stayed = 0;
        for (let i = 0; i < REQUESTS; i++) {
          const response = await fetch(`http://127.0.0.1:${ports.get('http')}/${name}`);
          if ((await response.text()).startsWith('127.0.1.')) stayed++;
        }
        const percent = (100 * stayed) / REQUESTS;
        assert.ok(Math.abs(percent - share) < TOLERANCE, `${kind}: ${percent} % stay`);
      }
    });
  }

  test('a local cluster that is not there is refused', async () => {
    await assert.rejects(startEnvoy(bootstrap(port, 'nowhere')));
    await assert.rejects(startWeftProxy(bootstrap(port, 'nowhere')), /the local cluster nowhere/);
  });
});
