/**
 * What programs that speak xDS themselves get: as goldens (`WEFT_UPDATE_GOLDENS=1` writes them anew), and against the
 * validation of a client that we did not write.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { keyOf } from '../../../api/resource.ts';
import type { Change } from '../../../api/source.ts';
import type { Workload } from '../../../api/kinds/workload.ts';
import { readResource } from '../../../api/validate.ts';
import { meshKinds } from '../../../policies/kinds.ts';
import { CERTIFICATE_PROVIDER } from '../../../xds/proxyless.ts';
import { TYPE_URLS, type XdsResource, type XdsView } from '../../../xds/resource.ts';
import { MeshIndex } from '../../index/mesh-index.ts';
import { changes, indexed, json, load, ROOTS, viewsOf } from '../golden.fixture.ts';

// Read once, at import. `weft run` sets it for the programs that it starts.
process.env['GRPC_XDS_EXPERIMENTAL_RBAC'] = 'true';
const { register } = await import('@grpc/grpc-js-xds');
const { ClusterResourceType } = await import('@grpc/grpc-js-xds/build/src/xds-resource-type/cluster-resource-type.js');
const { EndpointResourceType } = await import(
  '@grpc/grpc-js-xds/build/src/xds-resource-type/endpoint-resource-type.js'
);
const { ListenerResourceType } = await import(
  '@grpc/grpc-js-xds/build/src/xds-resource-type/listener-resource-type.js'
);
const { RouteConfigurationResourceType } = await import(
  '@grpc/grpc-js-xds/build/src/xds-resource-type/route-config-resource-type.js'
);
register();

const INPUT = join(import.meta.dirname, 'goldens', 'bank.yaml');
const resources = load(INPUT);
const views = viewsOf(indexed(resources), resources);
const proxyless = (resources as Workload[]).filter(({ kind, spec }) => kind === 'Workload' && spec?.proxy === 'grpc');

test('the input is valid', () => {
  for (const resource of resources) assert.deepEqual(readResource(meshKinds, resource, 'default').violations, []);
});

test('what programs get', () => {
  const nodes = proxyless.map(({ metadata }) => `bank/${metadata.name}`);
  const text = `${JSON.stringify(Object.fromEntries(nodes.map((node) => [node, json(views[node] ?? new Map())])), null, 1)}\n`;
  const expected = INPUT.replace('.yaml', '.json');
  if (process.env['WEFT_UPDATE_GOLDENS'] === '1') writeFileSync(expected, text);
  assert.ok(text === readFileSync(expected, 'utf8'), 'to accept: WEFT_UPDATE_GOLDENS=1 node --test on this file');
});

test('a sidecar calls a server without one over mTLS by h2, and other sidecars as ever', () => {
  const view = json(views['bank/ledger-2'] ?? new Map()) as Record<string, Record<string, Sidecars>>;
  const cluster = view['Cluster']?.['http2|50051|ledger.bank'];
  const transports = (cluster?.transportSocketMatches ?? []).map(({ match, transportSocket }) => {
    return [match['tls'], transportSocket.typedConfig.commonTlsContext?.alpnProtocols];
  });
  assert.deepEqual(transports, [
    ['mesh', ['weft-http2']],
    ['h2', ['h2']],
    [undefined, undefined],
  ]);
  // Of the server's own connections, which gRPC servers end when they are pinged often.
  assert.match(JSON.stringify(cluster), /"connectionKeepalive":\{"interval":"330s"/);
  const endpoints = (view['ClusterLoadAssignment']?.['50051|ledger.bank']?.endpoints ?? []).flatMap((locality) =>
    locality.lbEndpoints.map(({ endpoint, metadata }) => [
      endpoint.address.socketAddress.portValue,
      metadata.filterMetadata['envoy.transport_socket_match'],
    ]),
  );
  assert.deepEqual(endpoints, [
    [50_051, { tls: 'h2' }],
    [50_051, { tls: 'h2' }],
    [15_001, { tls: 'mesh' }],
  ]);
});

test('generating after each change equals generating after their sum', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(resources), fc.array(fc.nat(60), { maxLength: 6 }), (some, removals) => {
      const stepwise = new MeshIndex();
      const step = (change: Change): void => {
        stepwise.apply({ cursor: '', replace: false, changes: [change] });
        viewsOf(stepwise, some);
      };
      for (const change of changes([ROOTS, ...some])) step(change);
      const removed = new Set(removals.map((i) => some[i % Math.max(1, some.length)]));
      for (const resource of removed) if (resource !== undefined) step({ key: keyOf(resource), value: null });
      const left = some.filter((resource) => !removed.has(resource));
      const [a, b] = [viewsOf(stepwise, left), viewsOf(indexed(left), left)];
      for (const node of Object.keys(b)) assert.deepEqual(json(a[node] ?? new Map()), json(b[node] ?? new Map()), node);
    }),
    { numRuns: 15 },
  );
});

/** What is looked at of a cluster and an assignment. */
interface Sidecars {
  readonly transportSocketMatches: readonly {
    readonly match: Record<string, string>;
    readonly transportSocket: { readonly typedConfig: { commonTlsContext?: { alpnProtocols: string[] } } };
  }[];
  readonly endpoints: readonly {
    readonly lbEndpoints: readonly {
      readonly endpoint: { address: { socketAddress: { portValue: number } } };
      readonly metadata: { filterMetadata: Record<string, object> };
    }[];
  }[];
}

const context = {
  server: { server_uri: 'unix:///none', channel_creds: [{ type: 'insecure' }], server_features: [] },
  bootstrap: { certificateProviders: { [CERTIFICATE_PROVIDER]: {} } },
};
const VALIDATORS: Readonly<Record<string, { decode(context: object, any: object): { error?: string; name: string } }>> =
  {
    [TYPE_URLS.cluster]: ClusterResourceType.get() as never,
    [TYPE_URLS.endpoints]: EndpointResourceType.get() as never,
    [TYPE_URLS.listener]: ListenerResourceType.get() as never,
    [TYPE_URLS.routes]: RouteConfigurationResourceType.get() as never,
  };

function refusal({ type, bytes }: XdsResource): string | undefined {
  return VALIDATORS[type]?.decode(context, { type_url: type, value: Buffer.from(bytes) }).error;
}

function all(view: XdsView): XdsResource[] {
  return [...view.values()].flatMap((named) => [...named.values()]);
}

test('grpc-js-xds accepts every resource that a program gets', () => {
  assert.ok(proxyless.length > 2);
  for (const { metadata } of proxyless) {
    for (const resource of all(views[`bank/${metadata.name}`] ?? new Map())) {
      assert.equal(refusal(resource), undefined, `${metadata.name}: ${resource.type} ${resource.name}`);
    }
  }
});

test('the same validation refuses what sidecars get', () => {
  const refused = all(views['bank/ledger-2'] ?? new Map()).filter((resource) => refusal(resource) !== undefined);
  assert.ok(refused.length > 3);
});

test('no program gets a name that its own resources do not resolve', () => {
  for (const { metadata } of proxyless) {
    const view = views[`bank/${metadata.name}`];
    const names = (type: keyof typeof TYPE_URLS) => new Set(view?.get(TYPE_URLS[type])?.keys());
    const text = JSON.stringify(json(view ?? new Map()));
    for (const [, name = ''] of text.matchAll(/"routeConfigName":"([^"]*)"/g))
      assert.ok(names('routes').has(name), name);
    for (const [, name = ''] of text.matchAll(/"serviceName":"([^"]*)"/g))
      assert.ok(names('endpoints').has(name), name);
    for (const [, name = ''] of text.matchAll(/"cluster":"([^"]*)"/g)) assert.ok(names('cluster').has(name), name);
  }
});
