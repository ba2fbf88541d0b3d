/**
 * A small mesh in simulation: a client host with its proxy, some service hosts with theirs, mTLS between them. Apps and
 * clients speak raw bytes, so that nothing of the proxy tests itself.
 */
import { type Log, RecordingLog } from '../../src/core/log.ts';
import type { Connection, ConnectionHandler, Runtime } from '../../src/core/runtime.ts';
import { TimerWheel } from '../../src/core/timer-wheel.ts';
import type { Svid } from '../../src/identity/svid.ts';
import { DataPlane, type DataPlaneOptions } from '../../src/proxy/data-plane.ts';
import type { LinkOptions } from '../../src/runtime/sim/link.ts';
import { type SimRuntime, Simulation } from '../../src/runtime/sim/simulation.ts';
import type { ForwardAction } from '../../src/snapshot/route-table.ts';
import type { ClusterConfig, HttpManager, TcpProxy } from '../../src/snapshot/snapshot.ts';
import {
  chainOf,
  clusterOf,
  endpointAt,
  forward,
  httpManager,
  idOf,
  listenerOf,
  meshTls,
  mtlsChain,
  RETRIES,
  routesOf,
  snapshotOf,
  TRUST_DOMAIN,
  tcpProxy,
} from './proxy-snapshots.ts';
import { issueSvid, SettableSvid, testAuthority } from './real-svids.ts';

export const WEB_HOST = '10.0.0.1';
export const HTTP_PORT = 8000;
export const TCP_PORT = 8001;
const APP_PORT = 9000;
const INBOUND_PORT = 15000;

export interface MeshOptions {
  readonly seed: number;
  readonly link?: LinkOptions;
  readonly instances?: number;
  readonly route?: Partial<ForwardAction>;
  readonly cluster?: Partial<ClusterConfig>;
  /** The caller has no clusters, until `configure` says otherwise. */
  readonly withoutClusters?: boolean;
  readonly manager?: Partial<HttpManager>;
  readonly tcp?: Partial<TcpProxy>;
  /** What the two proxies speak: HTTP/1.1 (default), or HTTP/2 as between sidecars. */
  readonly inner?: 'http/1.1' | 'weft-http1';
  /** Of the services' HTTP listener. */
  readonly inbound?: Partial<HttpManager>;
  /** What an app does with each connection. Default: answers every request with its own name. */
  readonly app?: (peer: RawPeer, instance: number) => void;
}

export interface SimMesh {
  readonly sim: Simulation;
  readonly client: SimRuntime;
  readonly web: DataPlane;
  readonly webTimers: TimerWheel;
  readonly webSvid: SettableSvid;
  readonly webLog: RecordingLog;
  readonly services: readonly SimService[];
  connect(port?: number): RawPeer;
  /** Keeps every part but changes what the web proxy is told of the service. */
  configure(parts: {
    route?: Partial<ForwardAction>;
    cluster?: Partial<ClusterConfig>;
    instances?: readonly number[];
    withoutClusters?: boolean;
  }): void;
}

export interface SimService {
  readonly host: string;
  readonly runtime: SimRuntime;
  readonly plane: DataPlane;
  readonly timers: TimerWheel;
  readonly svid: SettableSvid;
  readonly log: RecordingLog;
  /** Connections that the app accepted. */
  accepted: number;
}

let authorityOf: Promise<(id: string, ttlMs?: number) => Promise<Svid>> | null = null;
let trustBundlePem = '';

/** One authority for all meshes of a process: issuing is slow, and every simulation begins at the same wall time. */
function issuer(): Promise<(id: string, ttlMs?: number) => Promise<Svid>> {
  authorityOf ??= (async () => {
    const runtime = new Simulation({ seed: 1 }).start();
    const authority = await testAuthority(runtime, TRUST_DOMAIN);
    trustBundlePem = authority.trustBundlePem;
    const issued = new Map<string, Promise<Svid>>();
    return (id, ttlMs) => {
      const known = issued.get(id) ?? issueSvid(authority, id.split('#')[0] ?? id, ttlMs);
      issued.set(id, known);
      return known;
    };
  })();
  return authorityOf;
}

/** The same id and label give the same SVID. `ttlMs`: an hour unless set. */
export async function svidOf(account: string, label = '', ttlMs?: number): Promise<Svid> {
  return (await issuer())(`${idOf(account)}#${label}`, ttlMs);
}

export async function startMesh(options: MeshOptions): Promise<SimMesh> {
  const catalogSvid = await svidOf('catalog');
  const webSvid = new SettableSvid(await svidOf('web'));
  const sim = new Simulation({ seed: options.seed, ...(options.link === undefined ? {} : { link: options.link }) });
  const services: SimService[] = [];
  for (let i = 0; i < (options.instances ?? 1); i++) services.push(startService(sim, i, options, catalogSvid));
  const client = sim.start(WEB_HOST);
  const webLog = new RecordingLog('debug');
  const webTimers = new TimerWheel(client.clock);
  const web = planeOf(client, 'web.shop', webSvid, webLog, { timers: webTimers });
  let { route, cluster } = options;
  let instances: readonly number[] = services.map((_, i) => i);
  let { withoutClusters = false } = options;
  const apply = (): void => {
    const endpoints = instances.map((i) => endpointAt({ host: services[i]?.host ?? '', port: INBOUND_PORT }));
    const raw = instances.map((i) => endpointAt({ host: services[i]?.host ?? '', port: INBOUND_PORT + 1 }));
    const { inner = 'http/1.1' } = options;
    const protocol: ClusterConfig['protocol'] = inner === 'http/1.1' ? 'http1' : 'http2';
    const tls = { transport: meshTls(['catalog'], inner), protocol };
    const tcpTls = { transport: meshTls(['catalog'], 'weft-tcp') };
    const snapshot = snapshotOf({
      routes: [routesOf('out', { '/': forward('catalog.shop', { retry: RETRIES, ...route }) })],
      listeners: [
        listenerOf('outbound|http', { host: '127.0.0.1', port: HTTP_PORT }, [
          chainOf(httpManager('out', options.manager)),
        ]),
        listenerOf('outbound|tcp', { host: '127.0.0.1', port: TCP_PORT }, [chainOf(tcpProxy('tcp', options.tcp))]),
      ],
      clusters: withoutClusters
        ? []
        : [
            clusterOf('catalog.shop', endpoints, { ...tls, ...cluster }),
            clusterOf('tcp', raw, { ...tcpTls, ...cluster }),
          ],
    });
    void web.use(web.bind(snapshot));
  };
  apply();
  await sim.run(
    () => web.listeners.active.length === 2 && services.every(({ plane }) => plane.listeners.active.length === 2),
    1_000,
  );
  return {
    sim,
    client,
    web,
    webTimers,
    webSvid,
    webLog,
    services,
    connect: (port = HTTP_PORT) => new RawPeer((peer) => client.net.connect({ host: '127.0.0.1', port }, peer)),
    configure: (parts) => {
      route = { ...route, ...parts.route };
      cluster = { ...cluster, ...parts.cluster };
      instances = parts.instances ?? instances;
      withoutClusters = parts.withoutClusters ?? withoutClusters;
      apply();
    },
  };
}

function startService(sim: Simulation, index: number, options: MeshOptions, svid: Svid): SimService {
  const host = `10.0.1.${index + 1}`;
  const runtime = sim.start(host);
  const log = new RecordingLog('debug');
  const source = new SettableSvid(svid);
  const timers = new TimerWheel(runtime.clock);
  const plane = planeOf(runtime, 'catalog.shop', source, log, { timers });
  const service: SimService = { host, runtime, plane, timers, svid: source, log, accepted: 0 };
  const app = options.app ?? ((peer: RawPeer) => answerWith(peer, () => ok(`catalog-${index}`)));
  void runtime.net.listen({ host: '127.0.0.1', port: APP_PORT }, (connection) => {
    service.accepted++;
    const peer = new RawPeer(() => connection);
    app(peer, index);
    return peer;
  });
  const at = { host: '127.0.0.1', port: APP_PORT };
  const snapshot = snapshotOf({
    routes: [routesOf('in', { '/': forward('inbound', { upgrades: ['websocket'] }) })],
    listeners: [
      listenerOf('inbound|http', { host, port: INBOUND_PORT }, [
        mtlsChain(httpManager('in', options.inbound), 'http/1.1'),
        mtlsChain(httpManager('in', options.inbound), 'weft-http1'),
      ]),
      listenerOf('inbound|tcp', { host, port: INBOUND_PORT + 1 }, [mtlsChain(tcpProxy('inbound'), 'weft-tcp')]),
    ],
    clusters: [clusterOf('inbound', [endpointAt(at)])],
  });
  void plane.use(plane.bind(snapshot));
  return service;
}

/** A data plane of its own on that host. */
export function planeOf(
  runtime: Runtime,
  service: string,
  svid: SettableSvid,
  log: Log,
  parts: Partial<DataPlaneOptions> = {},
): DataPlane {
  const timers = new TimerWheel(runtime.clock);
  return new DataPlane({
    runtime,
    timers,
    log,
    service,
    svid,
    trustBundlePem,
    egressProxy: null,
    accessLogPath: '/access.log',
    ...parts,
  });
}

export function ok(body: string, headers = ''): string {
  return `HTTP/1.1 200 OK\r\n${headers}content-length: ${Buffer.byteLength(body, 'latin1')}\r\n\r\n${body}`;
}

export function get(path: string, headers = ''): string {
  return `GET ${path} HTTP/1.1\r\nhost: catalog\r\n${headers}\r\n`;
}

/** Answers each request of a connection, in order, with what `answer` gives; bodies are read by content-length. */
export function answerWith(peer: RawPeer, answer: (request: string, count: number) => string | null): void {
  let count = 0;
  peer.onText = () => {
    for (;;) {
      const text = peer.text;
      const end = text.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/^content-length: (\d+)/im.exec(text.slice(0, end))?.[1] ?? 0);
      if (text.length < end + 4 + length) return;
      peer.take(end + 4 + length);
      const reply = answer(text.slice(0, end + 4 + length), ++count);
      if (reply !== null) peer.send(reply);
    }
  };
}

/** One end of a connection that speaks bytes. */
export class RawPeer implements ConnectionHandler {
  readonly connection: Connection;
  onText: () => void = () => {};
  ended = false;
  /** null: open. */
  closed: string | null = null;
  received = 0;
  drained = 0;
  #parts: Buffer[] = [];

  constructor(open: (peer: RawPeer) => Connection) {
    this.connection = open(this);
  }

  get text(): string {
    return this.bytes.toString('latin1');
  }

  get bytes(): Buffer {
    if (this.#parts.length !== 1) this.#parts = [Buffer.concat(this.#parts)];
    return this.#parts[0] ?? Buffer.alloc(0);
  }

  take(count: number): void {
    this.#parts = [this.bytes.subarray(count)];
  }

  send(text: string | Uint8Array): void {
    const bytes = typeof text === 'string' ? Buffer.from(text, 'latin1') : text;
    if (!this.connection.closed) this.connection.write(bytes, 0, bytes.length);
  }

  onOpen(): void {}

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    this.received += end - start;
    this.#parts.push(Buffer.from(bytes.slice(start, end)));
    this.onText();
  }

  onDrained(): void {
    this.drained++;
  }

  onEnd(): void {
    this.ended = true;
    this.onText();
  }

  onClose(reason: string): void {
    this.closed = reason;
  }
}

/** Status and body of the one response that a peer has received; null while it is not whole. */
export function responseOf(peer: RawPeer): { status: number; head: string; body: string } | null {
  const { text } = peer;
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const head = text.slice(0, end);
  const status = Number(head.slice(9, 12));
  const length = /^content-length: (\d+)/im.exec(head)?.[1];
  const rest = text.slice(end + 4);
  if (length !== undefined) {
    return rest.length >= Number(length) ? { status, head, body: rest.slice(0, Number(length)) } : null;
  }
  if (!/^transfer-encoding: chunked/im.test(head)) return { status, head, body: '' };
  const body = unchunk(rest);
  return body === null ? null : { status, head, body };
}

function unchunk(text: string): string | null {
  let at = 0;
  let body = '';
  for (;;) {
    const line = text.indexOf('\r\n', at);
    if (line < 0) return null;
    const size = Number.parseInt(text.slice(at, line), 16);
    if (size === 0) return text.indexOf('\r\n\r\n', line) >= 0 ? body : null;
    if (text.length < line + 2 + size + 2) return null;
    body += text.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
}
