/** What a patch may say, what becomes of it, and what it can never take away. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromBinary, fromJson, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf';
import { ClusterSchema } from '../../protos/gen/envoy/config/cluster/v3/cluster_pb.ts';
import { ListenerSchema } from '../../protos/gen/envoy/config/listener/v3/listener_pb.ts';
import { VirtualHostSchema } from '../../protos/gen/envoy/config/route/v3/route_components_pb.ts';
import { RouteConfigurationSchema } from '../../protos/gen/envoy/config/route/v3/route_pb.ts';
import { TYPE_URLS } from '../../xds/resource.ts';
import { envoyTypes } from '../../protos/registry.ts';
import { parseDocuments } from '../../api/documents.ts';
import { violationText } from '../../api/violation.ts';
import { meshKinds } from '../kinds.ts';
import { readFragment } from './fragment.ts';
import type { PatchEntry } from './kind.ts';
import type { ReadEntry } from './apply-entry.ts';
import { addedBytes, patchBytes } from './patch-resource.ts';
import { brokenAddedCluster, brokenAddedListener } from './invariants.ts';
import { SUBJECTS } from './subject.ts';

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const TYPE = 'type.googleapis.com/envoy.extensions';
const OPTIONS = { registry: envoyTypes };
const MANAGER = `${TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager`;
const rbac = { name: 'authorization-deny', typedConfig: { '@type': `${TYPE}.filters.http.rbac.v3.RBAC`, rules: {} } };
const router = { name: 'router', typedConfig: { '@type': `${TYPE}.filters.http.router.v3.Router` } };
const fault = { name: 'fault', typedConfig: { '@type': `${TYPE}.filters.http.fault.v3.HTTPFault` } };
const tls = { name: 'tls', typedConfig: { '@type': `${TYPE}.transport_sockets.tls.v3.DownstreamTlsContext` } };

const INBOUND = {
  name: 'inbound|8080',
  address: { socketAddress: { address: '10.0.0.1', portValue: 15001 } },
  trafficDirection: 'INBOUND',
  filterChains: [
    {
      name: 'mesh',
      filterChainMatch: { transportProtocol: 'tls' },
      transportSocket: tls,
      filters: [
        {
          name: 'hcm',
          typedConfig: {
            '@type': MANAGER,
            statPrefix: 'in',
            httpFilters: [rbac, router],
            forwardClientCertDetails: 'SANITIZE_SET',
          },
        },
      ],
    },
  ],
};
const CLUSTER = {
  name: 'http|80|catalog.shop',
  type: 'EDS',
  connectTimeout: '5s',
  transportSocketMatches: [{ name: 'mesh', match: {}, transportSocket: { name: 'tls' } }],
  circuitBreakers: { thresholds: [{ maxRequests: 10 }] },
  metadata: { filterMetadata: { 'weft.mesh': { origin: 'Service/shop/catalog' } } },
};
const ROUTES = {
  name: 'outbound|80|catalog.shop',
  virtualHosts: [
    {
      name: 'catalog.shop',
      domains: ['*'],
      routes: [{ name: 'all', match: { prefix: '/' }, route: { cluster: 'c' } }],
    },
  ],
};

const SCHEMAS = {
  Listener: ListenerSchema,
  Cluster: ClusterSchema,
  RouteConfiguration: RouteConfigurationSchema,
  VirtualHost: VirtualHostSchema,
};
const TYPES = {
  Listener: TYPE_URLS.listener,
  Cluster: TYPE_URLS.cluster,
  RouteConfiguration: TYPE_URLS.routes,
  VirtualHost: TYPE_URLS.virtualHosts,
};

function entry(patch: object): ReadEntry {
  const read = patch as PatchEntry;
  const { fragment, problems } = readFragment(SUBJECTS[read.on].schema, read.value ?? {});
  assert.deepEqual(problems, []);
  return { entry: read, fragment, origin: 'XdsPatch/shop/x spec.patches[0]' };
}

/** The JSON of what becomes of it, or the reason of the refusal. */
function patched(of: keyof typeof SCHEMAS, resource: JsonValue, ...patches: object[]): JsonValue {
  const schema = SCHEMAS[of];
  const bytes = toBinary(schema, fromJson(schema, resource, OPTIONS));
  const result = patchBytes(TYPES[of], bytes, patches.map(entry));
  if (result.kind === 'changed') return toJson(schema, fromBinary(schema, result.bytes), OPTIONS);
  return result.kind === 'refused' ? result.reason : result.kind;
}

/** The reason: a patch that was applied has its own words in what came of it. */
function refusal(of: keyof typeof SCHEMAS, resource: JsonValue, patch: object): string {
  const said = patched(of, resource, patch);
  assert.ok(typeof said === 'string', `${JSON.stringify(patch)} was applied`);
  return said;
}

const at = (value: JsonValue, ...path: (string | number)[]): unknown =>
  path.reduce<unknown>((found, step) => (found as Record<string | number, unknown> | undefined)?.[step], value);

describe('a merge', () => {
  test('replaces fields, merges messages, lets lists grow, and says in the metadata that it was there', () => {
    const value = { connect_timeout: '0s', circuitBreakers: { thresholds: [{ priority: 'HIGH' }] } };
    const result = patched('Cluster', CLUSTER, { on: 'Cluster', operation: 'merge', value });
    assert.equal(at(result, 'connectTimeout'), '0s', 'a zero is a value');
    assert.deepEqual(at(result, 'circuitBreakers', 'thresholds'), [{ maxRequests: 10 }, { priority: 'HIGH' }]);
    const origin = at(result, 'metadata', 'filterMetadata', 'weft.mesh', 'origin');
    assert.equal(origin, 'Service/shop/catalog, XdsPatch/shop/x spec.patches[0]');
    const replaced = patched('Cluster', CLUSTER, { on: 'Cluster', operation: 'merge', lists: 'replace', value });
    assert.deepEqual(at(replaced, 'circuitBreakers', 'thresholds'), [{ priority: 'HIGH' }]);
  });

  test('goes into what is packed, and one member of a oneof takes the place of another', () => {
    const value = {
      typedConfig: { '@type': MANAGER, streamIdleTimeout: '9s', rds: { routeConfigName: 'r', configSource: {} } },
    };
    const before = structuredClone(INBOUND) as typeof INBOUND & JsonValue;
    Object.assign(before.filterChains[0]?.filters[0]?.typedConfig ?? {}, { routeConfig: { name: 'own' } });
    const result = patched('Listener', before, {
      on: 'NetworkFilter',
      match: { filter: 'hcm' },
      operation: 'merge',
      value,
    });
    const config = at(result, 'filterChains', 0, 'filters', 0, 'typedConfig') as Record<string, unknown>;
    assert.equal(config['streamIdleTimeout'], '9s');
    assert.deepEqual([config['statPrefix'], 'routeConfig' in config], ['in', false]);
  });

  test('that matches nothing of a resource leaves its bytes alone', () => {
    const match = { virtualHost: 'other' };
    assert.equal(
      patched('RouteConfiguration', ROUTES, { on: 'VirtualHost', match, operation: 'merge', value: {} }),
      'same',
    );
    assert.equal(
      patched('RouteConfiguration', ROUTES, { on: 'Route', match: { route: 'x' }, operation: 'remove' }),
      'same',
    );
  });
});

describe('what is added and removed', () => {
  const names = (list: unknown) => (list as { name: string }[]).map(({ name }) => name);

  test('a filter stands before the router, or beside the one that it names', () => {
    const filters = (...place: object[]) => {
      const patches = place.map((each) => ({ on: 'HttpFilter', operation: 'add', value: fault, ...each }));
      return names(
        at(patched('Listener', INBOUND, ...patches), 'filterChains', 0, 'filters', 0, 'typedConfig', 'httpFilters'),
      );
    };
    assert.deepEqual(filters({}), ['authorization-deny', 'fault', 'router']);
    assert.deepEqual(filters({ after: 'authorization-deny' }), ['authorization-deny', 'fault', 'router']);
    const twice = filters({}, { before: 'fault', value: { ...fault, name: 'first' } });
    assert.deepEqual(twice, ['authorization-deny', 'first', 'fault', 'router']);
  });

  test('a route stands before all others, and is taken away by its name', () => {
    const value = { name: 'new', match: { prefix: '/x' }, route: { cluster: 'c' } };
    const added = patched('RouteConfiguration', ROUTES, { on: 'Route', operation: 'add', value });
    assert.deepEqual(names(at(added, 'virtualHosts', 0, 'routes')), ['new', 'all']);
    const origin = at(added, 'virtualHosts', 0, 'routes', 0, 'metadata', 'filterMetadata', 'weft.mesh', 'origin');
    assert.equal(origin, 'XdsPatch/shop/x spec.patches[0]');
    const removed = patched('RouteConfiguration', ROUTES, {
      on: 'Route',
      match: { route: 'all' },
      operation: 'remove',
    });
    assert.deepEqual(at(removed, 'virtualHosts', 0, 'routes') ?? [], []);
    assert.equal(patched('Cluster', CLUSTER, { on: 'Cluster', operation: 'remove' }), 'removed');
  });
});

test('a virtual host that comes by itself is patched as one of a route configuration, and stays one', () => {
  const [host] = ROUTES.virtualHosts;
  assert.ok(host);
  const merged = patched('VirtualHost', host, { on: 'Route', operation: 'merge', value: { route: { timeout: '3s' } } });
  assert.equal(at(merged, 'routes', 0, 'route', 'timeout'), '3s');
  const removed = patched('VirtualHost', host, { on: 'VirtualHost', operation: 'remove' });
  assert.match(JSON.stringify(removed), /on demand/);
});

describe('what no patch can take away', () => {
  const hcm = (config: object) => ({
    on: 'NetworkFilter',
    operation: 'merge',
    value: { typedConfig: { '@type': MANAGER, ...config } },
  });
  const cases: [string, object, RegExp][] = [
    ['mTLS', { on: 'FilterChain', operation: 'merge', value: { transportSocket: { name: 'raw' } } }, /transportSocket/],
    [
      'the match',
      { on: 'FilterChain', operation: 'merge', value: { filterChainMatch: { transportProtocol: 'x' } } },
      /filterChainMatch/,
    ],
    [
      'a chain more',
      { on: 'Listener', operation: 'merge', value: { filterChains: [{ name: 'open' }] } },
      /filter chain open would let in/,
    ],
    ['a default chain', { on: 'Listener', operation: 'merge', value: { defaultFilterChain: {} } }, /would let in/],
    [
      'the address',
      { on: 'Listener', operation: 'merge', value: { address: { socketAddress: { portValue: 1 } } } },
      /address/,
    ],
    ['the name', { on: 'Listener', operation: 'merge', value: { name: 'x' } }, /name/],
    [
      'authorization',
      { on: 'HttpFilter', match: { filter: 'authorization-deny' }, operation: 'remove' },
      /authorization must stay/,
    ],
    [
      'its rules',
      { on: 'HttpFilter', match: { filter: 'authorization-deny' }, operation: 'merge', value: { disabled: true } },
      /authorization must stay/,
    ],
    [
      'its place',
      { on: 'HttpFilter', operation: 'add', before: 'authorization-deny', value: fault },
      /authorization must stay/,
    ],
    ['the router', { on: 'HttpFilter', match: { filter: 'router' }, operation: 'remove' }, /must stay the last/],
    [
      'what ends the chain',
      { on: 'NetworkFilter', match: { filter: 'hcm' }, operation: 'remove' },
      /must stay the last|is gone/,
    ],
    ['who is said to call', hcm({ forwardClientCertDetails: 'ALWAYS_FORWARD_ONLY' }), /forwardClientCertDetails/],
    [
      'what the application is told of who calls',
      hcm({ routeConfig: { requestHeadersToRemove: ['X-Forwarded-Client-Cert'] } }),
      /x-forwarded-client-cert is not/,
    ],
    ['where a call comes from', hcm({ useRemoteAddress: false }), /useRemoteAddress/],
    [
      'authorization of a route',
      hcm({
        routeConfig: {
          typedPerFilterConfig: { 'authorization-deny': { '@type': `${TYPE}.filters.http.rbac.v3.RBACPerRoute` } },
        },
      }),
      /cannot be set aside/,
    ],
  ];
  for (const [what, patch, reason] of cases) {
    test(what, () => assert.match(refusal('Listener', INBOUND, patch), reason));
  }

  test('authorization of a route that comes over RDS', () => {
    const value = {
      typedPerFilterConfig: { 'authorization-allow': { '@type': `${TYPE}.filters.http.rbac.v3.RBACPerRoute` } },
    };
    assert.match(refusal('RouteConfiguration', ROUTES, { on: 'Route', operation: 'merge', value }), /set aside/);
  });

  test('mTLS and endpoints of a cluster', () => {
    for (const value of [
      { transportSocket: { name: 'raw' } },
      { type: 'STATIC' },
      { loadAssignment: {} },
      { name: 'x' },
    ]) {
      assert.match(refusal('Cluster', CLUSTER, { on: 'Cluster', operation: 'merge', value }), /not for a patch/);
    }
  });

  test('whose certificate a cluster accepts', () => {
    const options = (upstreamHttpProtocolOptions: object) => ({
      on: 'Cluster',
      operation: 'merge',
      value: {
        typedExtensionProtocolOptions: {
          [HTTP_OPTIONS]: { '@type': `${TYPE}.upstreams.http.v3.HttpProtocolOptions`, upstreamHttpProtocolOptions },
        },
      },
    });
    const said = (patch: object): string => refusal('Cluster', CLUSTER, patch);
    for (const field of [{ autoSni: true }, { autoSanValidation: true }, { overrideAutoSniHeader: 'x' }]) {
      assert.match(said(options(field)), /whose certificate is accepted/);
    }
    assert.equal(typeof patched('Cluster', CLUSTER, options({})), 'object');
    const old = {
      on: 'Cluster',
      operation: 'merge',
      value: { upstreamHttpProtocolOptions: { autoSanValidation: true } },
    };
    assert.match(said(old), /whose certificate is accepted/);
  });

  const added = (patch: object) => addedBytes(entry({ operation: 'add', ...patch })).json;
  test('a listener that others could reach, or that takes a port of the agent', () => {
    const listener = (address: string, portValue: number) =>
      brokenAddedListener(
        added({ on: 'Listener', value: { name: 'x', address: { socketAddress: { address, portValue } } } }),
        new Set([15099]),
      );
    assert.equal(listener('127.0.0.1', 15500), null);
    assert.match(listener('0.0.0.0', 15500) ?? '', /loopback/);
    assert.match(listener('127.0.0.1', 15099) ?? '', /belongs to the workload or its agent/);
  });

  test('a cluster that reaches the agent, or the mesh without mTLS', () => {
    const cluster = (value: object) =>
      brokenAddedCluster(added({ on: 'Cluster', value: { name: 'x', ...value } }), 15099);
    const to = (address: object) => ({
      type: 'STATIC',
      loadAssignment: { clusterName: 'x', endpoints: [{ lbEndpoints: [{ endpoint: { address } }] }] },
    });
    assert.equal(cluster(to({ socketAddress: { address: '127.0.0.1', portValue: 9000 } })), null);
    assert.match(cluster(to({ socketAddress: { address: '127.0.0.1', portValue: 15099 } })) ?? '', /admin endpoint/);
    assert.match(cluster(to({ pipe: { path: '/run/agent.sock' } })) ?? '', /host and a port/);
    assert.match(cluster({ type: 'EDS' }) ?? '', /mTLS of their own/);
  });
});

describe('a document', () => {
  const problems = (patches: string) => {
    const text = `apiVersion: weft.mesh/v1\nkind: XdsPatch\nmetadata: { name: x }\nspec:\n  patches:\n${patches}`;
    return parseDocuments(meshKinds, [{ text, file: 'x.yaml' }], 'shop').violations.map(violationText);
  };

  test('with an unknown field is refused at its line, with what was probably meant', () => {
    const found = problems(`
    - on: Cluster
      operation: merge
      value:
        connectTimeot: 3s
        circuitBreakers: { thresholds: [{ maxRequest: 7 }] }
        lbPolicy: SOMEHOW
        typedExtensionProtocolOptions:
          x: { "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOption }
`);
    assert.match(
      found[0] ?? '',
      /^x\.yaml:10:9: .*spec\.patches\[0\]\.value\.connectTimeot: is not a field of envoy\.config\.cluster\.v3\.Cluster\. Did you mean "connectTimeout"\?$/,
    );
    assert.match(found[1] ?? '', /^x\.yaml:11:\d+: .*thresholds\[0\]\.maxRequest: is not a field/);
    assert.match(found[2] ?? '', /^x\.yaml:12:9: .*lbPolicy: has a value of a wrong form/);
    assert.match(found[3] ?? '', /^x\.yaml:14:\d+: .*is not a type that Weft knows.*HttpProtocolOptions/);
    assert.equal(found.length, 4);
  });

  test('that could not mean anything is refused', () => {
    const cases: [string, RegExp][] = [
      ['{ on: Cluster, operation: merge }', /value: is required/],
      ['{ on: Cluster, operation: remove, value: {} }', /must be left out/],
      ['{ on: RouteConfiguration, operation: remove }', /remove is not possible on a RouteConfiguration/],
      [
        '{ on: Cluster, operation: merge, match: { route: x }, value: {} }',
        /match\.route: means nothing for a Cluster/,
      ],
      ['{ on: Route, operation: add, before: a, after: b, value: { name: x } }', /must not stand beside before/],
      ['{ on: Route, operation: add, match: { route: a }, value: { name: x } }', /use before or after/],
      ['{ on: Cluster, operation: add, value: { name: "http|80|catalog.shop" } }', /a name of Weft’s own/],
      ['{ on: Cluster, operation: add, value: {} }', /value\.name: is required/],
      ['{ on: Cluster, operation: merge, value: { transport_socket: {} } }', /cannot be changed by a patch\. mTLS/],
      ['{ on: Cluster, operation: merge, value: { type: EDS, clusterType: {} } }', /must not stand beside type/],
      ['{ on: Cluster, operation: merge, value: { name: [1] } }', /wrong form/],
    ];
    for (const [patch, expected] of cases) assert.match(problems(`    - ${patch}\n`).join('\n'), expected);
  });
});
