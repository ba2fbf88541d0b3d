import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FieldName } from '../http/field-name.ts';
import type { FilterModule } from '../http/filter.ts';
import { Head } from '../http/head.ts';
import { WeftError } from '../core/errors.ts';
import type { ReceivedResource, Refusal } from '../xds/client/received.ts';
import { TYPE_URLS } from '../xds/resource.ts';
import * as t from '../xds/tables/tables.gen.ts';
import { encode } from '../xds/wire/encode.ts';
import { create } from '../xds/wire/table.ts';
import { applyDelta, EMPTY_SNAPSHOT, resourceKey } from './apply.ts';
import { explain } from './explain.ts';
import {
  ADS,
  any,
  asCluster,
  asEndpoints,
  asListener,
  asRoutes,
  assignment,
  cluster,
  httpFilter,
  listener,
  received,
  routes,
} from './sample-resources.ts';
import type { Snapshot } from './snapshot.ts';

const P = 'type.googleapis.com/';
const GUARD = `${P}test.Guard`;

/** Refuses requests that carry x-stop; its configuration must be one byte. */
const guard: FilterModule<number> = {
  types: [GUARD],
  read(config) {
    if (config.length !== 1) throw new WeftError('invalid', { what: 'one byte is wanted', where: 'level' });
    return config[0] ?? 0;
  },
  create: () => ({}),
  decide: (_level, head) =>
    head.find(new FieldName('x-stop')) >= 0 ? { allowed: false, rule: 'stop' } : { allowed: true, rule: 'no rule' },
};
const MODULES = new Map<string, FilterModule>([[GUARD, guard]]);

function apply(last: Snapshot, changed: readonly ReceivedResource[]): { next: Snapshot; refused: Refusal[] } {
  let next = last;
  const refused: Refusal[] = [];
  for (const resource of changed) {
    const result = applyDelta(next, { type: resource.type, changed: [resource], removed: [] }, MODULES);
    next = result.next;
    refused.push(...result.refused);
  }
  return { next, refused };
}

function accepted(changed: readonly ReceivedResource[]): Snapshot {
  const { next, refused } = apply(EMPTY_SNAPSHOT, changed);
  assert.deepEqual(refused, []);
  return next;
}

/** The reason for which the only resource is refused. */
function reason(resource: ReceivedResource): string {
  const { next, refused } = apply(EMPTY_SNAPSHOT, [resource]);
  assert.equal(next, EMPTY_SNAPSHOT);
  assert.equal(refused.length, 1);
  assert.equal(refused[0]?.name, resource.name);
  return refused[0]?.reason ?? '';
}

test('what did not change is the same object in the next snapshot', () => {
  const before = accepted([asCluster(cluster()), asRoutes(routes()), asListener(listener())]);
  const { next } = apply(before, [asEndpoints(assignment(['127.0.0.1']))]);
  assert.equal(next.routes, before.routes);
  assert.equal(next.clusters, before.clusters);
  assert.equal(next.listeners, before.listeners);
  assert.notEqual(next.endpoints, before.endpoints);
});

test('an unchanged version is not read again, and nothing new is the same snapshot', () => {
  const resource = asCluster(cluster());
  const before = accepted([resource]);
  assert.equal(apply(before, [resource]).next, before);
});

test('a refused resource keeps its last good version while its neighbours go on', () => {
  const before = accepted([asRoutes(routes())]);
  const bad = asRoutes(routes({ priority: 1 }));
  const { next, refused } = apply(before, [bad, asCluster(cluster())]);
  assert.equal(next.routes, before.routes);
  assert.equal(next.clusters.size, 1);
  assert.deepEqual(refused, [
    {
      name: 'outbound',
      reason: 'this proxy cannot do that (virtual_hosts[0].routes[0].route.priority)',
    },
  ]);
});

test('a removed resource goes, with its bytes', () => {
  const before = accepted([asCluster(cluster())]);
  const delta = { type: TYPE_URLS.cluster, changed: [], removed: ['http|80|a.shop'] };
  const { next } = applyDelta(before, delta, MODULES);
  assert.equal(next.clusters.size, 0);
  assert.equal(next.bytes.has(resourceKey(TYPE_URLS.cluster, 'http|80|a.shop')), false);
});

test('bytes that are no message, a foreign type and a wrong name are refused', () => {
  const resource = asCluster(cluster());
  assert.match(reason({ ...resource, bytes: Uint8Array.of(0x0a, 0x50) }), /length beyond the end.*Cluster.name/);
  assert.match(reason({ ...resource, type: 'x' }), /resources of type x are not read/);
  assert.match(reason({ ...resource, name: 'other' }), /calls itself "http\|80\|a.shop"/);
});

test('an unknown filter is refused when it is required and dropped when it is optional', () => {
  const unknown = `${P}test.Unknown`;
  assert.match(
    reason(asListener(listener([httpFilter(unknown, [])]))),
    /no filter of this proxy reads .*test.Unknown \(filter_chains\[0\].filters\[0\].typed_config: http_filters\[0\].typed_config\)/,
  );
  const snapshot = accepted([asListener(listener([httpFilter(unknown, [], true)]))]);
  const chain = snapshot.listeners.get('outbound|http-proxy')?.chains[0];
  assert.ok(chain?.network.kind === 'http');
  assert.deepEqual(chain.network.filters, []);
});

test('a filter with a bad configuration is refused with the path inside of it', () => {
  assert.match(
    reason(asListener(listener([httpFilter(GUARD, [1, 2])]))),
    /one byte is wanted .*http_filters\[0\].typed_config: level\)/,
  );
});

test('a list of filters that does not end with the router is refused', () => {
  const manager = create(t.HttpConnectionManagerTable, { routeSpecifier: { case: 'routeConfig', value: routes() } });
  const type = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
  const value = any(type, t.HttpConnectionManagerTable, manager);
  const chain = create(t.FilterChainTable, { filters: [{ name: '', configType: { case: 'typedConfig', value } }] });
  assert.match(reason(asListener(listener([], { filterChains: [chain] }))), /the last filter must be the router/);
});

test('a condition that this proxy does not know is refused, never dropped', () => {
  // Field 13 of RouteMatch is dynamic_metadata, which the tables do not have.
  const bytes = encode(t.RouteMatchTable, create(t.RouteMatchTable, { pathSpecifier: { case: 'prefix', value: '/' } }));
  const withMore = Uint8Array.from([...bytes, (13 << 3) | 2, 0]);
  const nest = (field: number, inner: Uint8Array) => Uint8Array.from([(field << 3) | 2, inner.length, ...inner]);
  const action = nest(2, nest(1, Buffer.from('c')));
  const host = Uint8Array.from([
    ...nest(1, Buffer.from('h')),
    ...nest(2, Buffer.from('*')),
    ...nest(3, Uint8Array.from([...nest(1, withMore), ...action])),
  ]);
  const resource = {
    type: TYPE_URLS.routes,
    name: 'r',
    version: '1',
    bytes: Uint8Array.from([...nest(1, Buffer.from('r')), ...nest(2, host)]),
  };
  assert.match(reason(resource), /field 13 of this message is unknown.*virtual_hosts\[0\].routes\[0\].match/);
});

test('an unsafe regex is refused with its place', () => {
  const match = { pathSpecifier: { case: 'safeRegex', value: { regex: '(a)\\1' } } } as const;
  assert.match(reason(asRoutes(routes({}, match))), /a back-reference at offset 3 .*match.safe_regex.regex/);
});

test('TLS that would verify nobody is refused', () => {
  const tls = create(t.UpstreamTlsContextTable, {
    commonTlsContext: create(t.CommonTlsContextTable, {
      validationContextType: {
        case: 'validationContextSdsSecretConfig',
        value: { name: 'trust-bundle', sdsConfig: ADS },
      },
    }),
  });
  const value = any('envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', t.UpstreamTlsContextTable, tls);
  const transportSocket = { name: 'tls', configType: { case: 'typedConfig', value } } as const;
  assert.match(reason(asCluster(cluster({ transportSocket }))), /no subject alternative name is required of the peer/);
});

test('a private key on the stream is refused', () => {
  const type = { case: 'tlsCertificate', value: create(t.TlsCertificateTable, {}) } as const;
  const resource = received(TYPE_URLS.secret, t.SecretTable, create(t.SecretTable, { name: 'default', type }));
  assert.match(reason(resource), /keys do not travel.*tls_certificate/);
});

test("a cluster has Envoy's defaults", () => {
  const config = accepted([asCluster(cluster())]).clusters.get('http|80|a.shop');
  assert.equal(config?.connectTimeoutMs, 5000);
  assert.equal(config.balance.choices, 2);
  assert.deepEqual(config.limits, {
    maxConnections: 1024,
    maxPending: 1024,
    maxRequests: 1024,
    maxRetries: 3,
    retryBudgetPercent: null,
    minRetryConcurrency: 3,
  });
});

test('an endpoint name instead of an address is refused in EDS, a doubled address counts once', () => {
  assert.match(reason(asEndpoints(assignment(['db.local']))), /db.local is not an IP address .*socket_address.address/);
  const set = accepted([asEndpoints(assignment(['127.0.0.1', '::1', '127.0.0.1']))]).endpoints.get('80|a.shop');
  assert.deepEqual(
    set?.endpoints.map((endpoint) => endpoint.key),
    ['127.0.0.1:15001', '[::1]:15001'],
  );
});

test('two chains between which nothing chooses are refused', () => {
  const [chain] = listener().filterChains;
  assert.ok(chain !== undefined);
  assert.match(
    reason(asListener(listener([], { filterChains: [chain, chain] }))),
    /takes what filter_chains\[0\] takes \(filter_chains\[1\].filter_chain_match\)/,
  );
});

function explained(snapshot: Snapshot, path: string, authority: string, stop = false): string[] {
  const head = Head.request('GET', path, authority);
  if (stop) head.appendText(new FieldName('x-stop'), '1');
  const steps = explain(
    snapshot,
    MODULES,
    {
      clusterState: (name) => (name.startsWith('http|80|') ? 'requests 3 of 10' : ''),
      endpointFault: (_, key) => (key.startsWith('127.0.0.2') ? 'ejected' : null),
      endpointState: (_, key) => (key.startsWith('127.0.0.1') ? '3 requests in flight' : ''),
    },
    {
      listener: 'outbound|http-proxy',
      connection: {
        destinationHost: '127.0.0.1',
        sourceHost: '127.0.0.1',
        sourcePort: 40_000,
        directSourceHost: '127.0.0.1',
        destinationPort: 15080,
        serverName: '',
        transport: 'raw_buffer',
        protocols: [],
      },
      head,
      facts: {
        peerUris: [],
        remoteHost: '127.0.0.1',
        destinationHost: '127.0.0.1',
        destinationPort: 15080,
        serverName: '',
      },
      random01: 0,
    },
  );
  return steps.map(({ stage, name, why, origin }) => `${stage} ${name || '-'}: ${why}${origin && ` [${origin}]`}`);
}

test('explain walks from the listener to the endpoints', () => {
  const snapshot = accepted([
    asListener(listener([httpFilter(GUARD, [1])])),
    asRoutes(routes()),
    asCluster(cluster()),
    asEndpoints(assignment(['127.0.0.1', '127.0.0.2'])),
  ]);
  assert.deepEqual(explained(snapshot, '/x', 'a'), [
    'listener outbound|http-proxy: outbound, at 127.0.0.1:15080',
    'chain http: it matches everything',
    'host a: its domains are a',
    'route to-a: first match in outbound: path prefix / [HTTPRoute/shop/a]',
    'filter guard: allowed by no rule',
    'cluster http|80|a.shop: the only one; least-request; requests 3 of 10 [Service/shop/a]',
    'endpoint 127.0.0.1:15001: weight 1; 3 requests in flight',
    'endpoint 127.0.0.2:15001: ejected',
  ]);
  assert.equal(explained(snapshot, '/x', 'a', true).at(-1), 'filter guard: refused by stop');
  assert.equal(explained(snapshot, '/x', 'b').at(-1), 'host -: no domain of outbound matches b');
});
