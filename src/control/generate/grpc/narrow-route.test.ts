/** Narrowed routes mean what they meant: for every gRPC call, the same backends in the same shares, as our own proxy reads both. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import * as fc from 'fast-check';
import type { HttpRoute } from '../../../api/kinds/http-route.ts';
import { FILTER_MODULES } from '../../../filters/all.ts';
import { FieldName } from '../../../http/field-name.ts';
import { Head } from '../../../http/head.ts';
import { type Route, RouteSchema } from '../../../protos/gen/envoy/config/route/v3/route_components_pb.ts';
import { RouteConfigurationSchema } from '../../../protos/gen/envoy/config/route/v3/route_pb.ts';
import { matchRoute } from '../../../snapshot/match-route.ts';
import { readRoutes } from '../../../snapshot/read/read-routes.ts';
import type { RouteTable } from '../../../snapshot/route-table.ts';
import { indexed } from '../golden.fixture.ts';
import { INVALID_BACKEND } from '../names.ts';
import { httpRoutes } from '../routes/http-routes.ts';
import { narrowRoute } from './narrow-route.ts';

const PORT = { namespace: 'bank', service: 'ledger', port: 80, caller: 'bank', version: 'http2' } as const;
const BACKENDS = ['ledger', 'a', 'b'];

function service(name: string) {
  return { apiVersion: 'v1', kind: 'Service', metadata: meta(name), spec: { ports: [{ port: 80 }] } };
}

function meta(name: string) {
  return { name, namespace: 'bank', uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
}

const path = fc.record({
  type: fc.constantFrom('Exact' as const, 'PathPrefix' as const, 'RegularExpression' as const),
  value: fc.constantFrom('/', '/p.S', '/p.S/', '/p.S/M', '/p.S/Mo', '/p.T'),
});
const match = fc.record(
  {
    path,
    method: fc.constantFrom('GET' as const, 'POST' as const, 'PUT' as const),
    headers: fc.array(fc.record({ name: fc.constantFrom('x-a', 'x-b'), value: fc.constantFrom('1', '2') }), {
      maxLength: 2,
    }),
  },
  { requiredKeys: [] },
);
const rule = fc.record({
  matches: fc.array(match, { maxLength: 3 }),
  backendRefs: fc.array(
    fc.record({ name: fc.constantFrom(...BACKENDS, 'lost'), port: fc.constant(80), weight: fc.nat(3) }),
    { maxLength: 3 },
  ),
});
const call = fc.record({
  path: fc.constantFrom('/p.S/M', '/p.S/Mo', '/p.T/M', '/p.Sx/M', '/p.S'),
  a: fc.constantFrom('', '1', '2'),
  b: fc.constantFrom('', '1', '2'),
  random: fc.double({ min: 0, max: 0.999, noNaN: true }),
});

interface Call {
  readonly path: string;
  readonly a: string;
  readonly b: string;
  readonly random: number;
}

function table(routes: Route[]): RouteTable {
  const message = create(RouteConfigurationSchema, {
    name: 'r',
    virtualHosts: [{ name: 'v', domains: ['*'], routes }],
  });
  return readRoutes(toBinary(RouteConfigurationSchema, message), FILTER_MODULES);
}

/** Share of each cluster, by the names of sidecars. A fixed answer of a sidecar stands for a backend that cannot be used. */
function shares(routes: RouteTable, { path: target, a, b, random }: Call): Record<string, number> | null {
  const head = Head.request('POST', target, 'ledger');
  if (a !== '') head.appendText(new FieldName('x-a'), a);
  if (b !== '') head.appendText(new FieldName('x-b'), b);
  const action = matchRoute(routes, head, random)?.action;
  if (action === undefined) return null;
  if (action.kind !== 'forward') return { [INVALID_BACKEND]: 1 };
  const summed: Record<string, number> = {};
  for (const { name, weight } of action.clusters) summed[name] = (summed[name] ?? 0) + weight;
  for (const name of Object.keys(summed)) summed[name] = (summed[name] ?? 0) / action.totalWeight;
  return summed;
}

test('a call goes where a sidecar would send it', () => {
  fc.assert(
    fc.property(fc.array(rule, { minLength: 1, maxLength: 3 }), fc.array(call, { minLength: 5 }), (rules, calls) => {
      const parentRefs = [{ group: '', kind: 'Service', name: 'ledger' }];
      const apiVersion = 'gateway.networking.k8s.io/v1';
      const route: HttpRoute = { apiVersion, kind: 'HTTPRoute', metadata: meta('r'), spec: { parentRefs, rules } };
      const resources = [...BACKENDS.map(service), route];
      const { routes } = indexed(resources).read(httpRoutes, PORT);
      const same = new Map(BACKENDS.map((name) => [`http2|80|${name}.bank`, `http2|80|${name}.bank`]));
      const [sidecar, grpc] = [table([...routes]), table(routes.flatMap((each) => narrowRoute(each, same)))];
      for (const each of calls) assert.deepEqual(shares(grpc, each), shares(sidecar, each), JSON.stringify(each));
    }),
    { numRuns: 300 },
  );
});

test('nothing of a sidecar is left that a gRPC client would refuse', () => {
  const strange = create(RouteSchema, { name: 'x', match: { pathSpecifier: { case: 'connectMatcher', value: {} } } });
  assert.deepEqual(narrowRoute(strange, new Map()), []);
});
