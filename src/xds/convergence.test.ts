import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { ClientResources } from './client/client-resources.ts';
import { DeltaStream } from './client/delta-stream.ts';
import type { Refusal, XdsDelta } from './client/received.ts';
import { SotwStream } from './client/sotw-stream.ts';
import type { XdsStream } from './client/xds-stream.ts';
import { xdsResource } from './content-version.ts';
import { TYPE_URLS, type TypeUrl, type XdsResource, type XdsView } from './resource.ts';
import { DELTA } from './server/delta.ts';
import { Quarantine } from './server/quarantine.ts';
import { ResponseCache } from './server/response-cache.ts';
import { type AnySession, type Dialect, Session, type SessionOptions, type XdsRequest } from './server/session.ts';
import { SOTW } from './server/sotw.ts';
import type { StreamProtocol } from './service-paths.ts';
import { Cluster_EdsClusterConfigTable, ClusterTable, NodeTable } from './tables/tables.gen.ts';
import { decode } from './wire/decode.ts';
import { encode } from './wire/encode.ts';
import { create, KIND, Table } from './wire/table.ts';

const { cluster: CDS, endpoints: EDS, listener: LDS, routes: RDS } = TYPE_URLS;

interface Named {
  readonly name: string;
  readonly content: string;
}

/** As much of any resource as a client of either variant looks at, and what the test puts into it. */
const NamedTable = new Table<Named>('test.Named', () => [
  [1, 'name', KIND.string],
  [1000, 'content', KIND.string],
]);

const contentOf = (bytes: Uint8Array): string => decode(NamedTable, bytes).content;

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
    xdsResource(type, name, encode(NamedTable, { name, content }));
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

interface Serving {
  readonly session: AnySession;
  readonly onBytes: (bytes: Uint8Array) => void;
}

function serve<Request extends XdsRequest>(dialect: Dialect<Request>, options: SessionOptions): Serving {
  const session = new Session(dialect, options);
  return { session, onBytes: (bytes) => session.onRequest(decode(dialect.table, bytes)) };
}

/** A client and a server with a wire of two queues between them; nothing moves unless told. */
class Pair {
  readonly client: ClientResources;
  readonly mayRefuse: boolean;
  readonly #protocol: StreamProtocol;
  readonly #stream: XdsStream;
  readonly #responses = new ResponseCache();
  readonly #quarantine = new Quarantine();
  readonly #clusters = new Set<string>();
  #serving: Serving;
  /** Without the memory of a stream nobody can know what the client has, unless it says so as in delta. */
  #isForgetful = false;
  #up: Uint8Array[] = [];
  #down: { type: string; nonce: string; bytes: Uint8Array }[] = [];
  readonly #nonces = new Set<string>();
  #view: XdsView;

  constructor(protocol: StreamProtocol, mesh: Mesh, mayRefuse: boolean) {
    this.#protocol = protocol;
    this.mayRefuse = mayRefuse;
    this.#view = viewOf(mesh);
    const node = create(NodeTable, { id: 'shop/web-1' });
    this.client = new ClientResources({ wallMs: () => 0, apply: (delta) => this.#apply(delta) });
    const Stream = protocol === 'delta' ? DeltaStream : SotwStream;
    this.#stream = new Stream(this.client, node, () => true);
    this.client.want(RDS, new Set(['outbound']));
    this.#serving = this.#connect();
  }

  #connect(): Serving {
    this.#up = [];
    this.#down = [];
    this.#nonces.clear();
    const options: SessionOptions = {
      nodeId: 'shop/web-1',
      client: { isGrpc: false },
      responses: this.#responses,
      quarantine: this.#quarantine,
      wallMs: () => 0,
    };
    this.#serving = this.#protocol === 'delta' ? serve(DELTA, options) : serve(SOTW, options);
    this.#serving.session.offer(this.#view);
    this.#stream.open();
    return this.#serving;
  }

  take(step: Step): boolean {
    if (step.kind === 'mesh') {
      this.#view = viewOf(step.mesh);
      this.#serving.session.offer(this.#view);
    } else if (step.kind === 'reconnect') {
      this.#isForgetful = this.#protocol === 'sotw';
      this.#connect();
    }
    for (let next = this.#stream.next(); next !== null; next = this.#stream.next()) this.#up.push(next);
    this.#pump();
    if (step.kind === 'up') return this.#deliverUp();
    return step.kind === 'down' && this.#deliverDown();
  }

  get view(): XdsView {
    return this.#view;
  }

  #pump(): void {
    const { session } = this.#serving;
    for (let next = session.next(); next !== null; next = session.next()) {
      const { type, nonce } = next;
      assert.ok(!this.#down.some((waiting) => waiting.type === type), 'one outstanding response per type');
      assert.ok(!this.#nonces.has(`${type} ${nonce}`), 'a nonce came twice');
      this.#nonces.add(`${type} ${nonce}`);
      this.#down.push(next);
    }
  }

  #deliverUp(): boolean {
    const bytes = this.#up.shift();
    if (bytes !== undefined) this.#serving.onBytes(bytes);
    return bytes !== undefined;
  }

  #deliverDown(): boolean {
    const message = this.#down.shift();
    if (message !== undefined) this.#stream.onMessage(message.bytes);
    return message !== undefined;
  }

  #apply(delta: XdsDelta): readonly Refusal[] {
    if (delta.type === RDS && !this.mayRefuse) {
      const routed = delta.changed.flatMap((one) => contentOf(one.bytes).split(',')).filter((name) => name !== '');
      for (const name of routed) assert.ok(this.#clusters.has(name), `a route names ${name}, which is not there yet`);
    }
    if (delta.type === CDS) {
      const held = this.client.held().find((one) => one.type === RDS);
      const routed = held === undefined ? [] : contentOf(held.bytes).split(',');
      for (const name of delta.removed) {
        assert.ok(this.#isForgetful || !routed.includes(name), `${name} was removed while a route names it`);
        this.#clusters.delete(name);
      }
      for (const one of delta.changed) this.#clusters.add(one.name);
      this.client.want(EDS, new Set(this.#clusters));
    }
    const isBad = (name: string, bytes: Uint8Array): boolean =>
      this.mayRefuse && delta.type === EDS && contentOf(bytes) === 'bad' && name !== '';
    return delta.changed.filter((one) => isBad(one.name, one.bytes)).map(({ name }) => ({ name, reason: 'bad' }));
  }
}

function run(protocol: StreamProtocol, first: Mesh, steps: readonly Step[], mayRefuse: boolean): Pair {
  const pair = new Pair(protocol, first, mayRefuse);
  for (const step of steps) pair.take(step);
  let idle = 0;
  for (let turn = 0; idle < 4; turn++) {
    assert.ok(turn < 2000, 'the exchange does not come to rest');
    idle = pair.take({ kind: turn % 2 === 0 ? 'up' : 'down' }) ? 0 : idle + 1;
  }
  return pair;
}

/** By content: in state of the world a version is that of a response. */
function heldBy(client: ClientResources): Map<string, string> {
  return new Map(client.held().map((one) => [`${one.type} ${one.name}`, Buffer.from(one.bytes).toString('latin1')]));
}

function offered(view: XdsView): Map<string, string> {
  const all = [...view.values()].flatMap((byName) => [...byName.values()]);
  return new Map(all.map((one) => [`${one.type} ${one.name}`, Buffer.from(one.bytes).toString('latin1')]));
}

const sorted = (map: ReadonlyMap<string, string>): [string, string][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1));

for (const protocol of ['delta', 'sotw'] as const) {
  test(`${protocol}: whatever happens on the way, the client ends with exactly the offered view, never breaking a route`, () => {
    fc.assert(
      fc.property(arbitraryMesh, fc.array(arbitraryStep, { maxLength: 60 }), (first, steps) => {
        const pair = run(protocol, first, steps, false);
        assert.deepEqual(sorted(heldBy(pair.client)), sorted(offered(pair.view)));
      }),
      { numRuns: 400 },
    );
  });

  test(`${protocol}: with refusals, all that is not refused arrives, and of the refused nothing newer than the last good is held`, () => {
    fc.assert(
      fc.property(arbitraryMesh, fc.array(arbitraryStep, { maxLength: 60 }), (first, steps) => {
        const pair = run(protocol, first, steps, true);
        const held = heldBy(pair.client);
        const refused = new Set(
          [...(pair.view.get(EDS)?.values() ?? [])]
            .filter((one) => contentOf(one.bytes) === 'bad')
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
}
