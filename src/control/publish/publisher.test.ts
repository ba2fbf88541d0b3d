import assert from 'node:assert/strict';
import test from 'node:test';
import { RecordingLog } from '../../core/log.ts';
import type { Clock, PeerCertificate, RpcHandler, RpcStatus, RpcStream } from '../../core/runtime.ts';
import { TimerWheel } from '../../core/timer-wheel.ts';
import { DeltaClient } from '../../xds/client/delta-client.ts';
import type { Refusal } from '../../xds/client/received.ts';
import { xdsResource } from '../../xds/content-version.ts';
import { TYPE_URLS, type TypeUrl, type XdsResource, type XdsView } from '../../xds/resource.ts';
import { NodeTable } from '../../xds/tables/tables.gen.ts';
import { create } from '../../xds/wire/table.ts';
import { DELTA_ADS_PATH, Publisher } from './publisher.ts';
import type { ProxyNode, Urgency, Views } from './views.ts';

const { cluster: CDS, endpoints: EDS } = TYPE_URLS;

class TestClock implements Clock {
  #now = 0;
  readonly #alarms = new Set<{ at: number; run: () => void }>();

  now(): number {
    return this.#now;
  }

  wall(): number {
    return 1_000_000 + this.#now;
  }

  wake(at: number, run: () => void): () => void {
    const alarm = { at, run };
    this.#alarms.add(alarm);
    return () => this.#alarms.delete(alarm);
  }

  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const [next] = [...this.#alarms].filter((alarm) => alarm.at <= until).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#alarms.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = until;
  }
}

class TestViews implements Views {
  resources = new Map<string, XdsView>();
  readonly asked: string[] = [];
  readonly released: string[] = [];
  #changed: ((nodes: ReadonlySet<string> | 'all', urgency: Urgency) => void) | null = null;

  viewOf(node: ProxyNode): XdsView {
    this.asked.push(node.id);
    const view = this.resources.get(node.id);
    if (view === undefined) throw new Error('no such workload');
    return view;
  }

  onChange(changed: (nodes: ReadonlySet<string> | 'all', urgency: Urgency) => void): () => void {
    this.#changed = changed;
    return () => {
      this.#changed = null;
    };
  }

  release(nodeId: string): void {
    this.released.push(nodeId);
  }

  set(nodeId: string, urgency: Urgency, ...resources: readonly XdsResource[]): void {
    const byType = new Map<TypeUrl, Map<string, XdsResource>>();
    for (const one of resources) byType.set(one.type, (byType.get(one.type) ?? new Map()).set(one.name, one));
    this.resources.set(nodeId, byType);
    this.#changed?.(new Set([nodeId]), urgency);
  }
}

/** A proxy on a wire that delivers when told: `pause` keeps its requests back. */
class TestProxy implements RpcStream {
  readonly remote = { host: '127.0.0.1', port: 5000 };
  writable = true;
  received = 0;
  ended: RpcStatus | null = null;
  refuse: readonly Refusal[] = [];
  readonly client: DeltaClient;
  readonly #handler: RpcHandler | null = null;
  #isPaused = false;

  constructor(publisher: Publisher, id: string, peer: PeerCertificate | null, path = DELTA_ADS_PATH) {
    const metadata = { kind: 'weft' };
    const node = create(NodeTable, { id, cluster: 'web', metadata, userAgentName: 'weft' });
    this.client = new DeltaClient({ node, wallMs: () => 0, apply: () => this.refuse });
    this.client.want(EDS, new Set(['catalog']));
    const accepted = publisher.accept(this, path, peer);
    if ('code' in accepted) this.ended = accepted;
    else this.#handler = accepted;
    this.client.open();
  }

  send(message: Uint8Array): void {
    this.received++;
    this.client.onMessage(message);
    if (!this.#isPaused) this.flush();
  }

  end(status?: RpcStatus): void {
    this.ended = status ?? { code: 0, message: '' };
  }

  /** null while the stream is open. */
  endCode(): number | null {
    return this.ended?.code ?? null;
  }

  destroy(): void {
    this.#handler?.onClose({ code: 14, message: 'connection lost' });
  }

  pause(): void {
    this.#isPaused = true;
  }

  flush(): void {
    this.#isPaused = false;
    for (let next = this.client.next(); next !== null; next = this.client.next()) {
      const message = next;
      // As on a wire: not from inside of what is being handled.
      this.#queue.push(message);
    }
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) this.#handler?.onMessage(next);
    this.#isDelivering = false;
  }

  readonly #queue: Uint8Array[] = [];
  #isDelivering = false;

  becomeWritable(): void {
    this.writable = true;
    this.#handler?.onWritable();
  }

  sendRaw(message: Uint8Array): void {
    this.#handler?.onMessage(message);
  }

  held(): Record<string, string> {
    return Object.fromEntries(this.client.held().map((one) => [one.name, new TextDecoder().decode(one.bytes)]));
  }
}

function peerOf(...uris: readonly string[]): PeerCertificate {
  return { uris, dnsNames: [], notAfter: 1_000_000 + 3_600_000, serialNumber: '1', extendedKeyUsages: [] };
}

const WEB = peerOf('spiffe://weft.local/ns/shop/sa/web');

function resource(type: TypeUrl, name: string, content: string): XdsResource {
  return xdsResource(type, name, new TextEncoder().encode(content));
}

interface Fixture {
  readonly clock: TestClock;
  readonly views: TestViews;
  readonly log: RecordingLog;
  readonly publisher: Publisher;
  connect(id?: string, peer?: PeerCertificate | null, path?: string): TestProxy;
}

function fixture(options: { maxStreams?: number; pushBatch?: number } = {}): Fixture {
  const clock = new TestClock();
  const views = new TestViews();
  const log = new RecordingLog();
  const authorize = (nodeId: string) => (nodeId === 'shop/stranger' ? 'no such workload' : null);
  const publisher = new Publisher({ clock, timers: new TimerWheel(clock), log, views, authorize, ...options });
  views.set('shop/web-1', 'configuration', resource(EDS, 'catalog', '1'));
  views.set('shop/web-2', 'configuration', resource(EDS, 'catalog', '1'));
  const connect = (id = 'shop/web-1', peer: PeerCertificate | null = WEB, path?: string): TestProxy => {
    const proxy = new TestProxy(publisher, id, peer, path);
    proxy.flush();
    return proxy;
  };
  return { clock, views, log, publisher, connect };
}

test('a proxy that connects gets its view, and is listed with what it acknowledged', () => {
  const { publisher, connect } = fixture();
  const proxy = connect();
  assert.deepEqual(proxy.held(), { catalog: '1' });
  const [status] = publisher.proxies();
  assert.deepEqual(status?.node, {
    id: 'shop/web-1',
    namespace: 'shop',
    workload: 'web-1',
    cluster: 'web',
    kind: 'weft',
  });
  assert.equal(status?.connectedSinceMs, 1_000_000);
  const endpoints = status?.types.find((type) => type.type === EDS);
  assert.equal(endpoints?.acked.get('catalog'), resource(EDS, 'catalog', '1').version);
  assert.deepEqual(endpoints?.pending, []);
});

test('a node id that does not agree with the certificate is refused with the reason, and logged', () => {
  const { log, connect, publisher } = fixture();
  const cases: readonly (readonly [string, PeerCertificate | null, number, RegExp])[] = [
    ['shop/web-1', null, 16, /certificate is required/],
    ['shop/web-1', peerOf('spiffe://weft.local/ns/other/sa/web'), 7, /namespaces differ/],
    ['shop/web-1', peerOf(), 7, /0 URI SANs/],
    ['shop/web-1', peerOf('spiffe://a/ns/shop/sa/web', 'spiffe://a/ns/shop/sa/b'), 7, /2 URI SANs/],
    ['shop/web-1', peerOf('spiffe://weft.local/shop/web'), 7, /not the identity of a workload/],
    ['shop/web-1', peerOf('https://weft.local/ns/shop/sa/web'), 7, /not the identity of a workload/],
    ['web-1', WEB, 7, /is not <namespace>\/<workload>/],
    ['shop/web-1/x', WEB, 7, /is not <namespace>\/<workload>/],
    ['shop/stranger', WEB, 7, /no such workload/],
  ];
  for (const [id, peer, code, reason] of cases) {
    const proxy = connect(id, peer);
    assert.equal(proxy.ended?.code, code, String(reason));
    assert.match(proxy.ended?.message ?? '', reason);
    assert.equal(proxy.received, 0);
  }
  assert.equal(log.messages('warn').length, cases.length - 1);
  assert.equal(publisher.streamLimit.used, 0);
});

test('another method is unimplemented, a message that is no request ends the stream', () => {
  const { connect } = fixture();
  assert.equal(connect('shop/web-1', WEB, '/envoy.service.discovery.v3.Other/Method').ended?.code, 12);
  const proxy = connect();
  proxy.sendRaw(Uint8Array.of(9));
  assert.equal(proxy.ended?.code, 3);
});

test('streams are bounded, and one that says nothing is closed', () => {
  const { clock, publisher, connect } = fixture({ maxStreams: 1 });
  const silent = new TestProxy(publisher, 'shop/web-1', WEB);
  assert.equal(connect('shop/web-2').ended?.code, 8);
  clock.advance(14_990);
  assert.equal(silent.endCode(), null);
  clock.advance(20);
  assert.equal(silent.endCode(), 4);
  assert.equal(connect('shop/web-2').ended, null);
});

test('a stream ends with the certificate that it was let in by', () => {
  const { clock, connect } = fixture();
  const proxy = connect();
  clock.advance(3_599_000);
  assert.equal(proxy.endCode(), null);
  clock.advance(1_100);
  assert.equal(proxy.endCode(), 16);
});

test('a newer stream of a node supersedes the older; the view is released with the last', () => {
  const { publisher, views, connect } = fixture();
  const first = connect();
  const second = connect();
  assert.equal(first.ended?.code, 10);
  assert.deepEqual(second.held(), { catalog: '1' });
  assert.deepEqual(views.released, []);
  assert.equal(publisher.proxies().length, 1);
  second.destroy();
  assert.deepEqual(views.released, ['shop/web-1']);
  assert.deepEqual([publisher.proxies().length, publisher.streamLimit.used], [0, 0]);
});

test('configuration is pushed 100 ms after the last change, endpoints after 10', () => {
  const { clock, views, connect } = fixture();
  const proxy = connect();
  views.set('shop/web-1', 'configuration', resource(EDS, 'catalog', '2'));
  clock.advance(90);
  views.set('shop/web-1', 'configuration', resource(EDS, 'catalog', '3'));
  clock.advance(90);
  assert.deepEqual(proxy.held(), { catalog: '1' });
  clock.advance(20);
  assert.deepEqual(proxy.held(), { catalog: '3' });
  views.set('shop/web-1', 'endpoints', resource(EDS, 'catalog', '4'));
  clock.advance(20);
  assert.deepEqual(proxy.held(), { catalog: '4' });
});

test('a steady trickle is pushed in time: endpoints within 50 ms, configuration within 1 s', () => {
  for (const [urgency, stepMs, boundMs] of [
    ['endpoints', 5, 70],
    ['configuration', 50, 1060],
  ] as const) {
    const { clock, views, connect } = fixture();
    const proxy = connect();
    for (let at = 0; at < boundMs; at += stepMs) {
      views.set('shop/web-1', urgency, resource(EDS, 'catalog', `${at}`));
      clock.advance(stepMs);
    }
    assert.notDeepEqual(proxy.held(), { catalog: '1' }, urgency);
  }
});

test('an urgent change is not held back by less urgent ones', () => {
  const { clock, views, connect } = fixture();
  const proxy = connect();
  views.set('shop/web-1', 'endpoints', resource(EDS, 'catalog', '2'));
  views.set('shop/web-1', 'configuration', resource(EDS, 'catalog', '3'));
  clock.advance(20);
  assert.deepEqual(proxy.held(), { catalog: '3' });
});

test('only proxies whose view may have changed are looked at', () => {
  const { clock, views, connect } = fixture();
  connect('shop/web-1');
  connect('shop/web-2');
  views.asked.length = 0;
  views.set('shop/web-2', 'endpoints', resource(EDS, 'catalog', '2'));
  views.set('shop/absent', 'endpoints', resource(EDS, 'catalog', '2'));
  clock.advance(100);
  assert.deepEqual(views.asked, ['shop/web-2']);
});

test('a proxy whose view cannot be made keeps what it has, and the others get theirs', () => {
  const { clock, views, log, connect } = fixture();
  const [broken, fine] = [connect('shop/web-1'), connect('shop/web-2')];
  views.set('shop/web-1', 'endpoints', resource(EDS, 'catalog', '2'));
  views.resources.delete('shop/web-1');
  views.set('shop/web-2', 'endpoints', resource(EDS, 'catalog', '2'));
  clock.advance(100);
  assert.deepEqual([broken.held(), fine.held()], [{ catalog: '1' }, { catalog: '2' }]);
  assert.deepEqual(log.messages('error'), ['no view for a proxy']);
});

test('a large push goes out in batches, a turn each', () => {
  const { clock, views, connect } = fixture({ pushBatch: 1 });
  const proxies = [connect('shop/web-1'), connect('shop/web-2')];
  for (const id of ['shop/web-1', 'shop/web-2']) views.set(id, 'endpoints', resource(EDS, 'catalog', '2'));
  clock.advance(10);
  assert.equal(proxies.filter((proxy) => proxy.held()['catalog'] === '2').length, 1);
  clock.advance(20);
  assert.equal(proxies.filter((proxy) => proxy.held()['catalog'] === '2').length, 2);
});

test('nothing is sent while the transport is full; what came meanwhile is merged', () => {
  const { clock, views, connect } = fixture();
  const proxy = connect();
  const { received } = proxy;
  proxy.writable = false;
  for (const content of ['2', '3', '4']) {
    views.set('shop/web-1', 'endpoints', resource(EDS, 'catalog', content));
    clock.advance(100);
  }
  assert.equal(proxy.received, received);
  proxy.becomeWritable();
  assert.equal(proxy.received, received + 1);
  assert.deepEqual(proxy.held(), { catalog: '4' });
});

test('waitForAck pushes what waits and resolves when every proxy has acknowledged it', async () => {
  const { views, publisher, connect } = fixture();
  const [quick, slow] = [connect('shop/web-1'), connect('shop/web-2')];
  slow.pause();
  for (const id of ['shop/web-1', 'shop/web-2']) views.set(id, 'endpoints', resource(EDS, 'catalog', '2'));
  let confirmed: boolean | null = null;
  const wait = publisher.waitForAck({ type: EDS, name: 'catalog' }, 5000).then((result) => {
    confirmed = result;
  });
  assert.deepEqual([quick.held(), slow.held()], [{ catalog: '2' }, { catalog: '2' }]);
  await Promise.resolve();
  assert.equal(confirmed, null, 'applied is not acknowledged');
  slow.flush();
  await wait;
  assert.equal(confirmed, true);
});

test('waitForAck does not wait for a proxy that went away, nor for names that nobody asked for', async () => {
  const { views, publisher, connect } = fixture();
  const slow = connect();
  slow.pause();
  views.set('shop/web-1', 'endpoints', resource(EDS, 'catalog', '2'));
  assert.equal(await publisher.waitForAck({ type: EDS, name: 'other' }, 5000), true);
  assert.equal(await publisher.waitForAck({ type: CDS }, 5000), true);
  const wait = publisher.waitForAck({ type: EDS }, 5000);
  slow.destroy();
  assert.equal(await wait, true);
});

test('waitForAck is false after its time, and for a proxy that refused the change', async () => {
  const { clock, views, publisher, connect } = fixture();
  const proxy = connect();
  proxy.refuse = [{ name: 'catalog', reason: 'no' }];
  views.set('shop/web-1', 'endpoints', resource(EDS, 'catalog', '2'));
  const wait = publisher.waitForAck({ type: EDS, name: 'catalog' }, 5000);
  clock.advance(5010);
  assert.equal(await wait, false);
});

test('waitForAck takes any condition on the status', async () => {
  const { views, publisher, connect } = fixture();
  const proxy = connect();
  proxy.pause();
  const old = resource(EDS, 'catalog', '1').version;
  const wait = publisher.waitForAck((status) => status.types.every((type) => type.acked.get('catalog') !== old), 5000);
  views.set('shop/web-1', 'endpoints', resource(EDS, 'catalog', '2'));
  publisher.flush();
  proxy.flush();
  assert.equal(await wait, true);
});

test('a refused resource is logged with its origin and kept in the status', () => {
  const { views, log, publisher, connect } = fixture();
  const proxy = connect();
  const origin = { kind: 'Service', namespace: 'shop', name: 'catalog', path: '', file: 'shop.yaml:3' };
  views.set('shop/web-1', 'endpoints', { ...resource(EDS, 'catalog', '2'), origins: [origin] });
  proxy.refuse = [{ name: 'catalog', reason: 'endpoints[0].address: missing' }];
  publisher.flush();
  const line = log.lines.find((candidate) => candidate.message === 'proxy refused a resource');
  assert.equal(line?.fields['reason'], 'endpoints[0].address: missing');
  assert.deepEqual(line?.fields['origins'], ['Service/shop/catalog (shop.yaml:3)']);
  const endpoints = publisher.proxy('shop/web-1')?.types.find((type) => type.type === EDS);
  assert.equal(endpoints?.lastNack?.reason, 'endpoints[0].address: missing');
  assert.deepEqual([...(endpoints?.refused.keys() ?? [])], ['catalog']);
});

test('closing ends every stream, and changes are no longer heard', () => {
  const { clock, views, publisher, connect } = fixture();
  const proxy = connect();
  publisher.close();
  assert.equal(proxy.ended?.code, 14);
  views.set('shop/web-1', 'endpoints', resource(EDS, 'catalog', '2'));
  clock.advance(1000);
  assert.deepEqual(proxy.held(), { catalog: '1' });
});
