import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { DeltaClient } from './client/delta-client.fixture.ts';
import type { Refusal, XdsDelta } from './client/received.ts';
import { xdsResource } from './content-version.ts';
import { TYPE_URLS, type TypeUrl, type XdsResource, type XdsView } from './resource.ts';
import { DELTA } from './server/delta.ts';
import { Quarantine } from './server/quarantine.ts';
import { ResponseCache } from './server/response-cache.ts';
import { Session } from './server/session.ts';
import type { DeltaDiscoveryRequest } from './tables/messages.gen.ts';
import {
  Cluster_EdsClusterConfigTable,
  ClusterTable,
  DeltaDiscoveryRequestTable,
  NodeTable,
} from './tables/tables.gen.ts';
import { decode } from './wire/decode.ts';
import { encode } from './wire/encode.ts';
import { create } from './wire/table.ts';

const { cluster: CDS, endpoints: EDS, listener: LDS, routes: RDS } = TYPE_URLS;

/** A mesh of services: each has a cluster and an assignment in some content; the routes name some of the services. */
interface Mesh {
  readonly services: ReadonlyMap<string, string>;
  readonly routed: readonly string[];
}

const arbitraryMesh: fc.Arbitrary<Mesh> = fc
  .array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('1', '2', 'bad')), { maxLength: 4 })
  .chain((services) =>
    fc.record({
      services: fc.constant(new Map(services)),
      routed: fc.subarray([...new Set(services.map(([name]) => name))]),
    }),
  );

type Step = { readonly kind: 'mesh'; readonly mesh: Mesh } | { readonly kind: 'up' | 'down' | 'reconnect' };

const arbitraryStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: arbitraryMesh.map((mesh) => ({ kind: 'mesh' as const, mesh })) },
  { weight: 6, arbitrary: fc.constant({ kind: 'up' as const }) },
  { weight: 6, arbitrary: fc.constant({ kind: 'down' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'reconnect' as const }) },
);

function viewOf(mesh: Mesh): XdsView {
  const clusters = [...mesh.services].map(([name, content]) => {
    const edsClusterConfig = create(Cluster_EdsClusterConfigTable, { serviceName: name });
    const clusterDiscoveryType = { case: 'type', value: 3 } as const;
    const cluster = create(ClusterTable, { name, altStatName: content, clusterDiscoveryType, edsClusterConfig });
    return xdsResource(CDS, name, encode(ClusterTable, cluster));
  });
  const text = (type: TypeUrl, name: string, content: string): XdsResource =>
    xdsResource(type, name, new TextEncoder().encode(content));
  const assignments = [...mesh.services].map(([name, content]) => text(EDS, name, content));
  const routes = [text(RDS, 'outbound', mesh.routed.join(','))];
  const byName = (all: readonly XdsResource[]) => new Map(all.map((one) => [one.name, one]));
  return new Map([
    [CDS, byName(clusters)],
    [EDS, byName(assignments)],
    [LDS, byName([text(LDS, 'proxy', 'outbound')])],
    [RDS, byName(routes)],
  ]);
}

/** A client and a server with a wire of two queues between them; nothing moves unless told. */
class Pair {
  readonly client: DeltaClient;
  readonly mayRefuse: boolean;
  readonly #responses = new ResponseCache();
  readonly #quarantine = new Quarantine();
  readonly #clusters = new Set<string>();
  #session: Session<DeltaDiscoveryRequest>;
  #up: Uint8Array[] = [];
  #down: { type: string; nonce: string; bytes: Uint8Array }[] = [];
  readonly #nonces = new Set<string>();
  #view: XdsView;

  constructor(mesh: Mesh, mayRefuse: boolean) {
    this.mayRefuse = mayRefuse;
    this.#view = viewOf(mesh);
    const node = create(NodeTable, { id: 'shop/web-1' });
    this.client = new DeltaClient({ node, wallMs: () => 0, apply: (delta) => this.#apply(delta) });
    this.client.want(RDS, new Set(['outbound']));
    this.#session = this.reconnect();
  }

  reconnect(): Session<DeltaDiscoveryRequest> {
    this.#up = [];
    this.#down = [];
    this.#nonces.clear();
    this.#session = new Session(DELTA, {
      nodeId: 'shop/web-1',
      client: { isGrpc: false },
      responses: this.#responses,
      quarantine: this.#quarantine,
      wallMs: () => 0,
    });
    this.#session.offer(this.#view);
    this.client.open();
    return this.#session;
  }

  take(step: Step): boolean {
    if (step.kind === 'mesh') {
      this.#view = viewOf(step.mesh);
      this.#session.offer(this.#view);
    } else if (step.kind === 'reconnect') this.reconnect();
    for (let next = this.client.next(); next !== null; next = this.client.next()) this.#up.push(next);
    this.#pump();
    if (step.kind === 'up') return this.#deliverUp();
    return step.kind === 'down' && this.#deliverDown();
  }

  get view(): XdsView {
    return this.#view;
  }

  #pump(): void {
    for (let next = this.#session.next(); next !== null; next = this.#session.next()) {
      const { type, nonce } = next;
      assert.ok(!this.#down.some((waiting) => waiting.type === type), 'one outstanding response per type');
      assert.ok(!this.#nonces.has(`${type} ${nonce}`), 'a nonce came twice');
      this.#nonces.add(`${type} ${nonce}`);
      this.#down.push(next);
    }
  }

  #deliverUp(): boolean {
    const bytes = this.#up.shift();
    if (bytes !== undefined) this.#session.onRequest(decode(DeltaDiscoveryRequestTable, bytes));
    return bytes !== undefined;
  }

  #deliverDown(): boolean {
    const message = this.#down.shift();
    if (message !== undefined) this.client.onMessage(message.bytes);
    return message !== undefined;
  }

  #apply(delta: XdsDelta): readonly Refusal[] {
    const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
    if (delta.type === RDS && !this.mayRefuse) {
      const routed = delta.changed.flatMap((one) => text(one.bytes).split(',')).filter((name) => name !== '');
      for (const name of routed) assert.ok(this.#clusters.has(name), `a route names ${name}, which is not there yet`);
    }
    if (delta.type === CDS) {
      const held = this.client.held().find((one) => one.type === RDS);
      const routed = held === undefined ? [] : text(held.bytes).split(',');
      for (const name of delta.removed) {
        assert.ok(!routed.includes(name), `${name} was removed while a route names it`);
        this.#clusters.delete(name);
      }
      for (const one of delta.changed) this.#clusters.add(one.name);
      this.client.want(EDS, new Set(this.#clusters));
    }
    const isBad = (name: string, bytes: Uint8Array): boolean =>
      this.mayRefuse && delta.type === EDS && text(bytes) === 'bad' && name !== '';
    return delta.changed.filter((one) => isBad(one.name, one.bytes)).map(({ name }) => ({ name, reason: 'bad' }));
  }
}

function run(first: Mesh, steps: readonly Step[], mayRefuse: boolean): Pair {
  const pair = new Pair(first, mayRefuse);
  for (const step of steps) pair.take(step);
  let idle = 0;
  for (let turn = 0; idle < 4; turn++) {
    assert.ok(turn < 2000, 'the exchange does not come to rest');
    idle = pair.take({ kind: turn % 2 === 0 ? 'up' : 'down' }) ? 0 : idle + 1;
  }
  return pair;
}

function heldBy(client: DeltaClient): Map<string, string> {
  return new Map(client.held().map((one) => [`${one.type} ${one.name}`, one.version]));
}

function offered(view: XdsView): Map<string, string> {
  return new Map(
    [...view.values()].flatMap((all) => [...all.values()].map((one) => [`${one.type} ${one.name}`, one.version])),
  );
}

const sorted = (map: ReadonlyMap<string, string>): [string, string][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1));

test('whatever happens on the way, the client ends with exactly the offered view, never breaking a route', () => {
  fc.assert(
    fc.property(arbitraryMesh, fc.array(arbitraryStep, { maxLength: 60 }), (first, steps) => {
      const pair = run(first, steps, false);
      assert.deepEqual(sorted(heldBy(pair.client)), sorted(offered(pair.view)));
    }),
    { numRuns: 400 },
  );
});

test('with refusals, all that is not refused arrives, and of the refused nothing newer than the last good is held', () => {
  fc.assert(
    fc.property(arbitraryMesh, fc.array(arbitraryStep, { maxLength: 60 }), (first, steps) => {
      const pair = run(first, steps, true);
      const held = heldBy(pair.client);
      const refused = new Set(
        [...(pair.view.get(EDS)?.values() ?? [])]
          .filter((one) => new TextDecoder().decode(one.bytes) === 'bad')
          .map((one) => `${one.type} ${one.name}`),
      );
      const expected = offered(pair.view);
      for (const key of refused) {
        assert.notEqual(held.get(key), expected.get(key));
        held.delete(key);
        expected.delete(key);
      }
      assert.deepEqual(sorted(held), sorted(expected));
    }),
    { numRuns: 400 },
  );
});
