/**
 * What a proxy costs the control plane without its connection, in µs and KiB: `node --expose-gc bench/micro/publish.ts
 * [--services 1000] [--proxies 1000] [--rounds 10]`.
 *
 * Method: one process, no network, the mesh of `bench/control`. Index, generation and publisher are the real ones; a
 * proxy subscribes and acknowledges with requests that are made before. First sync is the CPU of all proxies until
 * everything is acknowledged, divided by them; a change is the median of the rounds, from the batch in the index to the
 * last acknowledgement, divided by the proxies that it concerns; the heap is what the second half of the proxies added.
 */
import { parseArgs } from 'node:util';
import { silentLog } from '../../src/core/log.ts';
import type { RpcHandler, RpcStream } from '../../src/core/runtime.ts';
import { TimerWheel } from '../../src/core/timer-wheel.ts';
import { keyOf, type Resource } from '../../src/api/resource.ts';
import { MeshViews } from '../../src/control/generate/mesh-views.ts';
import { trustBundleResource } from '../../src/control/generate/mesh-settings.ts';
import { MeshIndex } from '../../src/control/index/mesh-index.ts';
import { Publisher } from '../../src/control/publish/publisher.ts';
import { createNodeRuntime } from '../../src/runtime/node/runtime.ts';
import { TYPE_URLS } from '../../src/xds/resource.ts';
import { DeltaDiscoveryRequestTable, NodeTable } from '../../src/xds/tables/tables.gen.ts';
import { decode } from '../../src/xds/wire/decode.ts';
import { encode } from '../../src/xds/wire/encode.ts';
import { create, KIND, Table } from '../../src/xds/wire/table.ts';
import type { DeltaDiscoveryRequest } from '../../src/xds/tables/messages.gen.ts';
import {
  memberAt,
  memberName,
  meshObjects,
  NAMESPACE,
  POPULAR,
  PORT,
  routeObject,
  serviceName,
  stampedAddress,
  usesOf,
  workloadObject,
} from '../control/mesh-objects.ts';
import { median } from '../report.ts';

const { values } = parseArgs({
  options: {
    services: { type: 'string', default: '1000' },
    proxies: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '10' },
  },
});
const [services, proxies, rounds] = [values.services, values.proxies, values.rounds].map(Number) as [
  number,
  number,
  number,
];
const PATH = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';

const runtime = createNodeRuntime();
const timers = new TimerWheel(runtime.clock);
const index = new MeshIndex();
const views = new MeshViews(index);
const publisher = new Publisher({
  clock: runtime.clock,
  timers,
  log: silentLog,
  views,
  authorize: () => null,
  recordedKind: () => 'weft',
});

let revision = 1;
function stored(resource: Resource): Resource {
  revision += 1;
  const metadata = { ...resource.metadata, uid: resource.metadata.name, resourceVersion: String(revision) };
  return { ...resource, metadata };
}

function apply(resources: readonly Resource[]): void {
  const changes = resources.map((value) => ({ key: keyOf(value), value }));
  views.apply({ cursor: String(revision), replace: false, changes });
}

/** Answers each response in the turn after it came. */
class Proxy implements RpcStream {
  readonly remote = { host: '127.0.0.1', port: 1 };
  readonly writable = true;
  static bytes = 0;
  static messages = 0;
  readonly #handler: RpcHandler;
  readonly #answers: Uint8Array[] = [];
  #isAnswering = false;

  constructor(name: string, service: string, uses: readonly string[]) {
    const id = `${NAMESPACE}/${name}`;
    const uris = [`spiffe://weft.local/ns/${NAMESPACE}/sa/${service}`];
    const notAfter = Date.now() + 3_600_000;
    const peer = { uris, dnsNames: [], commonName: id, notAfter, serialNumber: '1', extendedKeyUsages: [] };
    const accepted = publisher.accept(this, PATH, peer);
    if ('code' in accepted) throw new Error(accepted.message);
    this.#handler = accepted;
    const node = create(NodeTable, { id, cluster: service, metadata: { kind: 'weft' } });
    const hosts = uses.map((use) => `${PORT}|${use}.${NAMESPACE}`);
    this.#ask({ node, typeUrl: TYPE_URLS.cluster });
    this.#ask({ typeUrl: TYPE_URLS.endpoints, resourceNamesSubscribe: hosts });
    this.#ask({ typeUrl: TYPE_URLS.listener });
    const routes = ['outbound', ...hosts.map((host) => `outbound|${host}`)];
    this.#ask({ typeUrl: TYPE_URLS.routes, resourceNamesSubscribe: routes });
    this.#ask({ typeUrl: TYPE_URLS.secret, resourceNamesSubscribe: ['trust-bundle'] });
  }

  send(message: Uint8Array): void {
    Proxy.bytes += message.length;
    Proxy.messages++;
    this.#answers.push(answerTo(message));
    if (this.#isAnswering) return;
    this.#isAnswering = true;
    queueMicrotask(() => this.#answer());
  }

  end(): void {}
  destroy(): void {}
  pause(): void {}
  resume(): void {}

  #answer(): void {
    for (let next = this.#answers.shift(); next !== undefined; next = this.#answers.shift())
      this.#handler.onMessage(next);
    this.#isAnswering = false;
  }

  #ask(request: Partial<DeltaDiscoveryRequest>): void {
    this.#handler.onMessage(encode(DeltaDiscoveryRequestTable, create(DeltaDiscoveryRequestTable, request)));
  }
}

interface Head {
  readonly typeUrl: string;
  readonly nonce: string;
}

const ResponseHead = new Table<Head>('envoy.service.discovery.v3.DeltaDiscoveryResponse', () => [
  [4, 'typeUrl', KIND.string],
  [5, 'nonce', KIND.string],
]);

const answers = new WeakMap<Uint8Array, Uint8Array>();

/** What is shared is answered by what is shared, so that this costs the clients of the real thing, and not us. */
function answerTo(message: Uint8Array): Uint8Array {
  let answer = answers.get(message);
  if (answer === undefined) {
    const { typeUrl, nonce } = decode(ResponseHead, message);
    const request: Partial<DeltaDiscoveryRequest> = { typeUrl, responseNonce: nonce };
    answer = encode(DeltaDiscoveryRequestTable, create(DeltaDiscoveryRequestTable, request));
    answers.set(message, answer);
  }
  return answer;
}

async function cpuMs(work: () => void): Promise<number> {
  const before = process.cpuUsage();
  work();
  await new Promise((done) => setImmediate(done));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function heapKib(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 1024;
}

const all: Proxy[] = [];
function connect(from: number, to: number): void {
  for (let i = from; i < to; i++) {
    const member = memberAt(i, services);
    const uses = usesOf(member.service, services).map(serviceName);
    all.push(new Proxy(memberName(member), serviceName(member.service), uses));
  }
}

function users(service: number): number {
  return Array.from({ length: proxies }, (_, i) => memberAt(i, services)).filter((member) =>
    usesOf(member.service, services).includes(service),
  ).length;
}

const say = (name: string, value: number, unit: string): void => {
  process.stdout.write(`${name.padEnd(32)} ${value.toFixed(1).padStart(10)} ${unit}\n`);
};

const loading = process.cpuUsage();
const bundle = trustBundleResource({ trustDomain: 'weft.local', pem: 'x'.repeat(1_000) }, '1');
apply([bundle, ...meshObjects(services).map(stored)]);
say('mesh into the index', process.cpuUsage(loading).user / 1000, 'ms');
const half = Math.floor(proxies / 2);
const firstHalf = await cpuMs(() => connect(0, half));
const heapHalf = heapKib();
const secondHalf = await cpuMs(() => connect(half, proxies));
say('first sync, first half', (firstHalf * 1000) / half, 'µs a proxy');
say('first sync, second half', (secondHalf * 1000) / (proxies - half), 'µs a proxy');
say('heap, second half', (heapKib() - heapHalf) / (proxies - half), 'KiB a proxy');
say('bytes', Proxy.bytes / 1024 / proxies, 'KiB a proxy');

async function change(
  name: string,
  service: (round: number) => number,
  make: (service: number, round: number) => Resource,
) {
  const samples: number[] = [];
  const derived: number[] = [];
  Proxy.messages = 0;
  for (let round = 0; round < rounds; round++) {
    const target = service(round);
    const object = stored(make(target, round));
    const before = index.derived;
    const ms = await cpuMs(() => {
      apply([object]);
      publisher.flush();
    });
    derived.push(index.derived - before);
    samples.push((ms * 1000) / users(target));
  }
  say(name, median(samples), 'µs a proxy');
  say('', median(derived), 'derivations');
  say('', Proxy.messages / rounds, 'messages');
}

let stamp = 0;
const moved = (service: number): Resource =>
  workloadObject({ service, replica: 0 }, services, stampedAddress((stamp += 1)));
await change('endpoint of all', () => POPULAR, moved);
await change('endpoint of some', (round) => 1 + round, moved);
await change(
  'route of all',
  () => POPULAR,
  (service) => routeObject(service, (stamp += 1)),
);
publisher.close();
