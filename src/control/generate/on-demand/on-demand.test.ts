/** A proxy that asks gets what it asked for: its view and what the view costs follow from that, not from the mesh. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { RouteConfigurationSchema } from '../../../protos/gen/envoy/config/route/v3/route_pb.ts';
import { VirtualHostSchema } from '../../../protos/gen/envoy/config/route/v3/route_components_pb.ts';
import { TYPE_URLS, type TypeUrl, type XdsView } from '../../../xds/resource.ts';
import type { Resource } from '../../../api/resource.ts';
import { changes, indexed, json } from '../golden.fixture.ts';
import type { MeshIndex } from '../../index/mesh-index.ts';
import { MeshViews } from '../mesh-views.ts';
import { domainsOf } from '../routes/route-configs.ts';
import type { ProxyNode } from '../../publish/views.ts';
import { OUTSIDE, portNamed } from './authority.ts';

const GOLDEN = join(import.meta.dirname, 'goldens', 'asked.json');
const NODE: ProxyNode = {
  ...{ id: 'shop/web-1', namespace: 'shop', workload: 'web-1' },
  ...{ cluster: 'web', kind: 'weft', onDemand: true },
};
const { cluster: CDS, endpoints: EDS, listener: LDS, routes: RDS, virtualHosts: VHDS } = TYPE_URLS;

let revision = 0;
function stored(kind: string, name: string, spec: object, labels: Record<string, string> = {}): Resource {
  revision += 1;
  const apiVersion = kind === 'Service' ? 'v1' : 'weft.mesh/v1';
  const metadata = { name, namespace: 'shop', uid: `${kind} ${name}`, resourceVersion: String(revision), labels };
  return { apiVersion, kind, metadata, spec };
}

function service(name: string, appProtocol = 'http'): Resource[] {
  const ports = [{ name: 'main', port: 80, targetPort: 8080, appProtocol }];
  return [
    stored('Service', name, { selector: { app: name }, ports }),
    stored(
      'Workload',
      `${name}-1`,
      { service: name, account: name, address: '10.0.0.1', ports: [{ port: 8080 }] },
      { app: name },
    ),
  ];
}

function caller(uses?: string[]): Resource {
  const vips = [{ service: 'cart', namespace: 'shop', port: 80, address: '127.1.1.1', vipPort: 80 }];
  const spec = {
    service: 'web',
    account: 'web',
    address: '10.0.0.9',
    ports: [],
    capture: { httpProxyPort: 15_001, vips },
  };
  return stored('Workload', 'web-1', uses === undefined ? spec : { ...spec, uses });
}

function mesh(strangers = 0, uses?: string[]): { index: MeshIndex; views: MeshViews } {
  const others = Array.from({ length: strangers }, (_, i) => service(`other-${i}`)).flat();
  const index = indexed([caller(uses), ...service('catalog'), ...service('cart'), ...service('db', 'tcp'), ...others]);
  return { index, views: new MeshViews(index) };
}

const namesOf = (view: XdsView, type: TypeUrl) => [...(view.get(type)?.keys() ?? [])].toSorted();

function asks(views: MeshViews, type: typeof VHDS | typeof CDS, ...names: string[]): XdsView {
  views.viewOf(NODE);
  views.wanted(NODE, type, new Set(names));
  return views.viewOf(NODE);
}

function hostIn(view: XdsView, authority: string) {
  const resource = view.get(VHDS)?.get(`outbound/${authority}`);
  assert.ok(resource, authority);
  return fromBinary(VirtualHostSchema, resource.bytes);
}

function clustersOf(view: XdsView, authority: string): (string | undefined)[] {
  return hostIn(view, authority).routes.map(({ action }) => {
    const value = action.case === 'route' ? action.value.clusterSpecifier.value : undefined;
    return typeof value === 'string' ? value : undefined;
  });
}

test('at first it gets its listeners, what they need to stand, and a seed', () => {
  const view = mesh().views.viewOf(NODE);
  assert.deepEqual(namesOf(view, CDS), ['passthrough-http', 'passthrough-tcp']);
  assert.deepEqual(namesOf(view, EDS), []);
  assert.deepEqual(namesOf(view, LDS), ['outbound|80|cart.shop|vip', 'outbound|http-proxy']);
  assert.deepEqual(namesOf(view, RDS), ['outbound', 'outbound|80|cart.shop']);
  assert.deepEqual(namesOf(view, VHDS), ['outbound/seed.invalid']);
  const table = fromBinary(RouteConfigurationSchema, view.get(RDS)?.get('outbound')?.bytes ?? new Uint8Array());
  assert.deepEqual(
    table.virtualHosts.map(({ domains }) => domains),
    [['*']],
  );
  assert.equal(table.vhds?.configSource?.configSourceSpecifier.case, 'ads');
});

test('a virtual host comes with the clusters, endpoints and listeners of its service, and no others', () => {
  const { views } = mesh();
  const view = asks(views, VHDS, 'outbound/catalog.shop.svc:80');
  const host = hostIn(view, 'catalog.shop.svc:80');
  assert.deepEqual([host.name, host.domains], ['outbound/catalog.shop.svc:80', ['catalog.shop.svc:80']]);
  assert.ok(clustersOf(view, 'catalog.shop.svc:80').includes('http|80|catalog.shop'));
  assert.deepEqual(namesOf(view, EDS), ['80|catalog.shop']);
  assert.ok(namesOf(view, LDS).includes('outbound|80|catalog.shop'));
  assert.ok(!namesOf(view, CDS).some((name) => name.includes('cart')));
  assert.deepEqual(namesOf(asks(views, VHDS), EDS), [], 'and goes when it is wanted no more');
});

test('what a proxy has that has asked for a name of each kind, as a golden', () => {
  const { views } = mesh();
  asks(views, VHDS, 'outbound/catalog', 'outbound/example.com', 'outbound/nobody.shop:8080');
  const view = asks(views, CDS, 'connect|80|catalog.shop', 'tcp|80|db.shop');
  const text = `${JSON.stringify(json(view), null, 1)}\n`;
  if (process.env['WEFT_UPDATE_GOLDENS'] === '1') writeFileSync(GOLDEN, text);
  assert.equal(text, readFileSync(GOLDEN, 'utf8'), 'to accept: WEFT_UPDATE_GOLDENS=1 node --test on this file');
});

test('a cluster that is asked for comes with the rest of its service', () => {
  const view = asks(mesh().views, CDS, 'http|80|cart.shop', 'tcp|80|db.shop', 'http|80|nobody.shop', 'inbound|8080');
  assert.deepEqual(namesOf(view, EDS), ['80|cart.shop', '80|db.shop']);
  assert.equal(namesOf(view, CDS).includes('http|80|nobody.shop'), false);
});

test('what is not of the mesh leads out of it, and comes in when it becomes of it', () => {
  const { index, views } = mesh();
  const outside = ['api.example.com', 'example.com:8443', '10.0.0.1:80', 'soon', 'db.shop:80', '[::1]:80'];
  const view = asks(views, VHDS, ...outside.map((name) => `outbound/${name}`));
  for (const name of outside) {
    assert.deepEqual(clustersOf(view, name), ['passthrough-tcp', 'passthrough-http'], name);
  }
  index.apply({ cursor: '', replace: false, changes: changes(service('soon')) });
  assert.ok(clustersOf(views.viewOf(NODE), 'soon').includes('http|80|soon.shop'));
});

test('what leads out without a question is nothing that a Service could be called', () => {
  const [fits, fitsNot] = [new RegExp(`^(?:${OUTSIDE.fits})$`), new RegExp(`^(?:${OUTSIDE.fitsNot})$`)];
  const leadsOut = (authority: string): boolean => fits.test(authority) && !fitsNot.test(authority);
  const label = fc.constantFrom('a', 'svc', 'cluster', 'local', 'SVC', 'Local', 'x-1', '10', '');
  const name = fc.array(label, { minLength: 1, maxLength: 6 }).map((labels) => labels.join('.'));
  const authority = fc.tuple(name, fc.constantFrom('', ':80', ':', ':x')).map((parts) => parts.join(''));
  fc.assert(
    fc.property(authority, (each) =>
      assert.ok(!leadsOut(each) || portNamed(each.toLowerCase(), 'shop') === null, each),
    ),
  );
  for (const each of ['api.example.com', 'api.example.com:443', '10.0.0.1:80', '[::1]:80', '[::1]', 'a.b.c.svc']) {
    assert.ok(leadsOut(each), each);
  }
  for (const each of ['catalog', 'example.com', 'catalog.shop:80', 'catalog.shop.svc', 'a.b.svc.cluster.local:80']) {
    assert.ok(!leadsOut(each), each);
  }
});

test('who comes back as a program that asks for nothing by itself gets all', () => {
  const { views } = mesh();
  const all = namesOf(mesh().views.viewOf({ ...NODE, onDemand: false }), RDS);
  assert.notDeepEqual(namesOf(views.viewOf(NODE), RDS), all);
  assert.deepEqual(namesOf(views.viewOf({ ...NODE, onDemand: false }), RDS), all);
});

test('a name that would be a pattern is not answered', () => {
  const view = asks(mesh().views, VHDS, 'outbound/*', 'outbound/*.shop', 'outbound/', 'other/catalog', 'outbound/a b');
  assert.deepEqual(namesOf(view, VHDS), ['outbound/seed.invalid']);
});

test('who asks for more than it may gets all, and stays so', () => {
  const { views } = mesh(3);
  const view = asks(views, VHDS, ...Array.from({ length: 1_001 }, (_, i) => `outbound/host-${i}.example.com`));
  assert.deepEqual(namesOf(view, VHDS), []);
  assert.deepEqual(namesOf(view, EDS).length, 6);
  assert.equal(asks(views, VHDS), view);
});

test('who declares what it uses has it from the start, asking or not', () => {
  const [asking, silent] = [mesh(0, ['catalog']), mesh(0, ['catalog'])];
  const view = asking.views.viewOf(NODE);
  assert.deepEqual(namesOf(view, EDS), ['80|catalog.shop']);
  assert.deepEqual(asks(asking.views, VHDS, 'outbound/cart'), silent.views.viewOf({ ...NODE, onDemand: false }));
});

test('a thousand services that it does not use change neither its view nor what deriving it costs', () => {
  const [small, large] = [mesh(), mesh(1_000)];
  const use = ({ index, views }: ReturnType<typeof mesh>) => {
    const view = asks(views, VHDS, 'outbound/catalog', 'outbound/db:80', 'outbound/example.com');
    const { derived } = index;
    index.apply({ cursor: '', replace: false, changes: changes(service('other-1000')) });
    assert.equal(views.viewOf(NODE), view);
    assert.equal(index.derived, derived);
    return { view, derived, nodes: index.size, facts: index.facts };
  };
  assert.deepEqual(use(large), use(small));
});

test('nothing is kept of a proxy that has gone', () => {
  const { index, views } = mesh();
  asks(views, VHDS, 'outbound/catalog');
  views.release(NODE.id);
  assert.deepEqual([index.size, index.facts], [0, 0]);
  assert.deepEqual(namesOf(views.viewOf(NODE), EDS), []);
});

test('every name of a port that callers write means that port', () => {
  const label = fc.oneof(fc.constant('svc'), fc.stringMatching(/^[a-z]([a-z0-9-]{0,10}[a-z0-9])?$/));
  fc.assert(
    fc.property(label, label, fc.integer({ min: 1, max: 65_535 }), fc.boolean(), (name, namespace, port, isOwn) => {
      const key = { namespace, service: name, port };
      const from = isOwn ? namespace : 'elsewhere';
      for (const domain of domainsOf(key, from)) assert.deepEqual(portNamed(domain, from), key, domain);
    }),
  );
});
