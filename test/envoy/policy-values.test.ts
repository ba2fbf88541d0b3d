/**
 * Whatever the schema of BackendTrafficPolicy accepts, both proxies take: a value that one of them refuses would be
 * found by a NACK, where nobody looks, instead of at the line that says it.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type DescMessage, fromBinary, type JsonValue, toJson } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { kindSchema } from '../../src/api/openapi.ts';
import { keyOf, type Resource } from '../../src/api/resource.ts';
import { readResource } from '../../src/api/validate.ts';
import { trustBundleResource } from '../../src/control/generate/mesh-settings.ts';
import { proxyView } from '../../src/control/generate/proxy-view.ts';
import { MeshIndex } from '../../src/control/index/mesh-index.ts';
import { FILTER_MODULES } from '../../src/filters/all.ts';
import { SECTIONS } from '../../src/policies/backend-traffic/kind.ts';
import { backendTrafficKind } from '../../src/policies/backend-traffic/policy.ts';
import { meshKinds } from '../../src/policies/kinds.ts';
import { envoyTypes } from '../../src/protos/registry.ts';
import { applyDelta, EMPTY_SNAPSHOT } from '../../src/snapshot/apply.ts';
import { shortTypeName, TYPE_URLS, type XdsView } from '../../src/xds/resource.ts';
import { missing } from '../support/components.ts';
import { assign, leavesOf, pathsIn } from '../support/schema-paths.ts';
import { type ValueSchema, valuesOf } from '../support/schema-values.ts';
import type { GoldenView } from './static-bootstrap.ts';
import { envoyValidator } from './validate.ts';

const NAMESPACE = 'shop';
const ROOTS = trustBundleResource({ trustDomain: 'weft.local', pem: 'ROOTS' }, '1');
/** The roots here are a word. */
const READ = Object.values(TYPE_URLS).filter((type) => type !== TYPE_URLS.secret);

type Sections = Readonly<Record<string, unknown>>;

const { properties = {} } = (kindSchema(backendTrafficKind) as { properties: { spec: ValueSchema } }).properties.spec;

const sections = Object.fromEntries(SECTIONS.map((section) => [section, properties[section] ?? {}]));

/** Specs that validation takes, of some sections each. */
const specs: fc.Arbitrary<Sections> = fc
  .record(Object.fromEntries(Object.entries(sections).map(([name, schema]) => [name, valuesOf(schema)])), {
    requiredKeys: [],
  })
  .map(withoutViolations)
  .filter((spec) => spec !== null);

/** What cannot stand beside the rest is taken out; null where that does not help. */
function withoutViolations(spec: Sections): Sections | null {
  const left = structuredClone(spec);
  for (let round = 0; round < 8; round++) {
    const { violations } = readResource(meshKinds, policy('x', left), NAMESPACE);
    if (violations.length === 0) return left;
    for (const { path } of violations) remove(left, path.replace(/^spec\.?/, ''));
  }
  return null;
}

function remove(from: Sections, path: string): void {
  const steps = path.split(/[.[\]]+/).filter((step) => step !== '');
  let at: unknown = from;
  for (const step of steps.slice(0, -1)) at = (at as Record<string, unknown> | undefined)?.[step];
  const last = steps.at(-1) ?? '';
  if (Array.isArray(at)) at.splice(Number(last), 1);
  else if (typeof at === 'object' && at !== null) delete (at as Record<string, unknown>)[last];
}

function policy(service: string, spec: Sections): Resource {
  return resource('BackendTrafficPolicy', service, {
    targetRefs: [{ group: '', kind: 'Service', name: service }],
    ...spec,
  });
}

function resource(kind: string, name: string, spec: object, more: object = {}): Resource {
  const apiVersion = kind === 'Service' ? 'v1' : 'weft.mesh/v1';
  const creationTimestamp = '2026-01-01T00:00:00Z';
  const metadata = { name, namespace: NAMESPACE, uid: `${kind}-${name}`, resourceVersion: '1', creationTimestamp };
  return { apiVersion, kind, metadata, spec, ...more } as Resource;
}

/** What a caller gets of a mesh in which each of `all` holds for a service of three ports, with endpoints in two zones. */
function viewOf(all: readonly Sections[]): XdsView {
  const names = all.map((_, i) => `s${i}`);
  const ports = [8080, 9090, 7000];
  const resources = all.flatMap((spec, i) => [
    resource('Service', `s${i}`, {
      selector: { app: `s${i}` },
      ports: ports.map((port, p) => ({ name: `p${p}`, port, appProtocol: ['http', 'grpc', 'tcp'][p] })),
    }),
    ...['a', 'b'].map((zone, z) => ({
      ...resource(
        'Workload',
        `s${i}-${zone}`,
        {
          service: `s${i}`,
          account: `s${i}`,
          address: `10.${z}.${i >> 8}.${i & 255}`,
          locality: { region: 'north', zone },
          ports: ports.map((port, p) => ({ port, proxyPort: 15_001 + p })),
          uses: [],
        },
        { status: { ready: true } },
      ),
      metadata: { ...resource('Workload', `s${i}-${zone}`, {}).metadata, labels: { app: `s${i}` } },
    })),
    policy(`s${i}`, spec),
  ]);
  const locality = { region: 'north', zone: 'a' };
  const caller = resource('Workload', 'web', {
    service: 'web',
    account: 'web',
    address: '10.9.0.1',
    locality,
    ports: [],
    uses: names,
  });
  const changes = [ROOTS, caller, ...resources].map((value) => ({ key: keyOf(value), value }));
  const index = new MeshIndex();
  index.apply({ cursor: '', replace: true, changes });
  return index.read(proxyView, { namespace: NAMESPACE, workload: 'web' });
}

function refusals(view: XdsView): string[] {
  return READ.flatMap((type) => {
    const changed = [...(view.get(type) ?? new Map()).values()];
    const { refused } = applyDelta(EMPTY_SNAPSHOT, { type, changed, removed: [] }, FILTER_MODULES);
    return refused.map(({ name, reason }) => `${name}: ${reason}`);
  });
}

test('Weft’s proxy takes whatever the schema accepts', () => {
  fc.assert(
    fc.property(fc.array(specs, { minLength: 8, maxLength: 8 }), (all) => {
      const view = viewOf(all);
      assert.ok((view.get(TYPE_URLS.cluster)?.size ?? 0) >= all.length * 3);
      assert.deepEqual(refusals(view), []);
    }),
    { numRuns: 40 },
  );
});

test('no field is without effect: with another value something else is generated', () => {
  const open = new Set(leavesOf(sections));
  for (const spec of fc.sample(specs, { numRuns: 1_500, seed: 5 })) {
    if (open.size === 0) break;
    const path = pathsIn(spec, sections).find(({ leaf }) => open.has(leaf));
    if (path === undefined) continue;
    const [other] = fc.sample(valuesOf(path.schema), 1);
    for (const value of [undefined, other]) {
      const changed = structuredClone(spec);
      assign(changed, path.steps, value);
      if (readResource(meshKinds, policy('x', changed), NAMESPACE).violations.length > 0) continue;
      if (JSON.stringify(jsonOf(viewOf([spec]))) === JSON.stringify(jsonOf(viewOf([changed])))) continue;
      open.delete(path.leaf);
      break;
    }
  }
  assert.deepEqual([...open], []);
});

describe('Envoy', { skip: missing('envoy') }, () => {
  const validate = envoyValidator();

  test('takes whatever the schema accepts', async () => {
    const all = fc.sample(specs, 60);
    const { output, complaints } = await validate('policies', jsonOf(viewOf(all)));
    assert.match(output, /OK/);
    assert.deepEqual(complaints, []);
  });
});

function jsonOf(view: XdsView): GoldenView {
  const out: Record<string, Record<string, JsonValue>> = {};
  for (const type of READ) {
    const schema: DescMessage | undefined = envoyTypes.getMessage(type.slice(type.indexOf('/') + 1));
    assert.ok(schema, type);
    const entries = [...(view.get(type) ?? new Map())];
    out[shortTypeName(type)] = Object.fromEntries(
      entries.map(([name, { bytes }]) => [name, toJson(schema, fromBinary(schema, bytes), { registry: envoyTypes })]),
    );
  }
  return out as unknown as GoldenView;
}
