/** What the tests of publishing share: views by hand, a clock by hand, and proxies on a wire in memory. */
import { RecordingLog } from '../../core/log.ts';
import type { Clock, PeerCertificate, RpcHandler, RpcStatus, RpcStream } from '../../core/runtime.ts';
import { TimerWheel } from '../../core/timer-wheel.ts';
import { DeltaClient } from '../../xds/client/delta-client.fixture.ts';
import type { Refusal } from '../../xds/client/received.ts';
import { xdsResource } from '../../xds/content-version.ts';
import { TYPE_URLS, type TypeUrl, type XdsResource, type XdsView } from '../../xds/resource.ts';
import { NodeTable } from '../../xds/tables/tables.gen.ts';
import { create } from '../../xds/wire/table.ts';
import { DELTA_ADS } from './methods.ts';
import { Publisher, type PublisherOptions } from './publisher.ts';
import type { ProxyNode, Urgency, Views } from './views.ts';

export const { cluster: CDS, endpoints: EDS } = TYPE_URLS;

export class TestClock implements Clock {
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

export class TestViews implements Views {
  resources = new Map<string, XdsView>();
  readonly asked: string[] = [];
  readonly released: string[] = [];
  wanted?: NonNullable<Views['wanted']>;
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
export class TestProxy implements RpcStream {
  readonly remote = { host: '127.0.0.1', port: 5000 };
  writable = true;
  received = 0;
  ended: RpcStatus | null = null;
  refuse: readonly Refusal[] = [];
  readonly client: DeltaClient;
  readonly #handler: RpcHandler | null = null;
  #isPaused = false;

  constructor(publisher: Publisher, id: string, peer: PeerCertificate | null, path = DELTA_ADS.path) {
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

  resume(): void {
    this.flush();
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

export const WEB_ID = 'spiffe://weft.local/ns/shop/sa/web';

export function peerOf(commonName: string, ...uris: readonly string[]): PeerCertificate {
  const notAfter = 1_000_000 + 3_600_000;
  return { uris, dnsNames: [], commonName, notAfter, serialNumber: '1', extendedKeyUsages: [] };
}

export function resource(type: TypeUrl, name: string, content: string): XdsResource {
  return xdsResource(type, name, new TextEncoder().encode(content));
}

interface Fixture {
  readonly clock: TestClock;
  readonly views: TestViews;
  readonly log: RecordingLog;
  readonly publisher: Publisher;
  readonly connect: (id?: string, peer?: PeerCertificate | null, path?: string) => TestProxy;
}

export function fixture(options: Partial<PublisherOptions> = {}): Fixture {
  const clock = new TestClock();
  const views = new TestViews();
  const log = new RecordingLog();
  const authorize = (nodeId: string) => (nodeId === 'shop/stranger' ? 'no such workload' : null);
  const publisher = new Publisher({ clock, timers: new TimerWheel(clock), log, views, authorize, ...options });
  views.set('shop/web-1', 'configuration', resource(EDS, 'catalog', '1'));
  views.set('shop/web-2', 'configuration', resource(EDS, 'catalog', '1'));
  const connect = (id = 'shop/web-1', peer?: PeerCertificate | null, path?: string): TestProxy => {
    const proxy = new TestProxy(publisher, id, peer === undefined ? peerOf(id, WEB_ID) : peer, path);
    proxy.flush();
    return proxy;
  };
  return { clock, views, log, publisher, connect };
}
