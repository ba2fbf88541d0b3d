/** One cluster in simulation, without router and listener: hosts that answer as they are told, and attempts that remember. */
import { Limit } from '../../src/core/limit.ts';
import { RecordingLog } from '../../src/core/log.ts';
import type { Address, Connection, ConnectionHandler, Listener } from '../../src/core/runtime.ts';
import { TimerWheel } from '../../src/core/timer-wheel.ts';
import { DEFAULT_HTTP2_LIMITS } from '../../src/http/h2/limits.ts';
import { Http2Server } from '../../src/http/h2/server.ts';
import { Head } from '../../src/http/head.ts';
import type { MessageReceiver, ResetReason, Stream } from '../../src/http/message.ts';
import { type Attempt, OUTCOME, type Outcome, type UpstreamHost } from '../../src/proxy/cluster/attempt.ts';
import type { Cluster } from '../../src/proxy/cluster/cluster.ts';
import type { ClusterWorld } from '../../src/proxy/cluster/cluster-world.ts';
import { Clusters } from '../../src/proxy/cluster/clusters.ts';
import { InternalTargets } from '../../src/proxy/cluster/internal-targets.ts';
import { MeshIdentity } from '../../src/proxy/cluster/mesh-identity.ts';
import { OwnAddresses } from '../../src/proxy/cluster/own-addresses.ts';
import { ResolveCache } from '../../src/proxy/cluster/resolve-cache.ts';
import { LogThrottle } from '../../src/core/log-throttle.ts';
import { Telemetry } from '../../src/proxy/telemetry/telemetry.ts';
import { type SimRuntime, Simulation } from '../../src/runtime/sim/simulation.ts';
import type { ClusterConfig, Endpoint } from '../../src/snapshot/snapshot.ts';
import { clusterOf, endpointAt, snapshotOf } from './proxy-snapshots.ts';
import { answerWith, RawPeer } from './sim-mesh.ts';

const PORT = 80;

export class SimHost {
  readonly address: string;
  /** Of the next responses; 0: no answer; -1: the connection is reset. */
  status = 200;
  headers = '';
  /** Before each answer. */
  delayMs = 0;
  /** Requests seen. */
  readonly requests: string[] = [];
  readonly connections: { readonly closed: string | null; readonly ended: boolean }[] = [];
  /** Of HTTP/2. */
  readonly servers: Http2Server[] = [];
  readonly #runtime: SimRuntime;
  readonly #speaks: ClusterConfig['protocol'];
  #listening: Promise<Listener> | null = null;

  constructor(sim: Simulation, address: string, speaks: ClusterConfig['protocol'] = 'http1') {
    this.address = address;
    this.#runtime = sim.start(address);
    this.#speaks = speaks;
    this.listen();
  }

  get open(): number {
    return this.connections.filter(({ closed, ended }) => closed === null && !ended).length;
  }

  listen(): void {
    const at = { host: this.address, port: PORT };
    this.#listening = this.#runtime.net.listen(at, (connection) => {
      if (this.#speaks === 'http2') return this.#serveHttp2(connection);
      const peer = new RawPeer(() => connection);
      this.connections.push(peer);
      answerWith(peer, (request) => {
        if (this.status !== -1) return this.#later(peer, this.#answer(request));
        this.requests.push(request);
        connection.destroy('reset');
        return null;
      });
      return peer;
    });
  }

  /** New connections are refused; those that are open stay. */
  refuse(): void {
    void this.#listening?.then((listener) => listener.close());
    this.#listening = null;
  }

  #later(peer: RawPeer, answer: string | null): string | null {
    if (this.delayMs === 0 || answer === null) return answer;
    this.#runtime.clock.wake(this.#runtime.clock.now() + this.delayMs, () => peer.send(answer));
    return null;
  }

  #serveHttp2(connection: Connection): ConnectionHandler {
    const peer = { closed: null as string | null, ended: false };
    this.connections.push(peer);
    const timers = new TimerWheel(this.#runtime.clock);
    const callbacks = {
      open: (stream: Stream) => new Http2Answer(this, stream),
      onRefused() {},
      onLimit() {},
      onClosed() {
        peer.closed = '';
      },
    };
    const { clock } = this.#runtime;
    const server = new Http2Server(connection, { limits: DEFAULT_HTTP2_LIMITS, timers, clock, callbacks });
    this.servers.push(server);
    return server;
  }

  #answer(request: string): string | null {
    this.requests.push(request);
    return this.status === 0 ? null : `HTTP/1.1 ${this.status} X\r\n${this.headers}content-length: 0\r\n\r\n`;
  }
}

/** The answer to a request over HTTP/2: a status and nothing else. */
class Http2Answer implements MessageReceiver {
  readonly #host: SimHost;
  readonly #stream: Stream;

  constructor(host: SimHost, stream: Stream) {
    this.#host = host;
    this.#stream = stream;
  }

  onHead(request: Head): void {
    const { requests, status } = this.#host;
    requests.push(request.pathText);
    if (status === 0) return;
    const head = Head.response(status);
    this.#stream.sendHead(head, true);
    head.free();
  }

  onData(): void {}
  onTrailers(): void {}
  onWritable(): void {}
  onReset(): void {}
}

export class SimAttempt implements Attempt {
  endpoint: UpstreamHost | null = null;
  waitsIn: Attempt['waitsIn'] = null;
  moves = 0;
  pickedAt = 0;
  answered = false;
  holdsSlot = false;
  holdsRetry = false;
  readonly tunnel: boolean;
  readonly fresh = false;
  readonly leaves = [];
  readonly subset = null;
  avoid: readonly UpstreamHost[] = [];
  readonly hash: number;
  stream: Stream | null = null;
  /** Of the response; 0: none. */
  status = 0;
  /** Flag of the refusal; empty: none. */
  refused = '';
  detail = '';
  reset: ResetReason | null = null;
  /** The last host. */
  host = '';
  readonly #cluster: Cluster;
  readonly #destination: Address;

  constructor(cluster: Cluster, tunnel: boolean, hash: number, destination: Address) {
    this.#destination = destination;
    this.#cluster = cluster;
    this.tunnel = tunnel;
    this.hash = hash;
  }

  get ended(): boolean {
    return this.status !== 0 || this.refused !== '' || this.reset !== null;
  }

  authority(): string {
    return 'a.shop';
  }

  destination(): Address {
    return this.#destination;
  }

  source(): Address {
    return { host: '10.0.0.9', port: 40_000 };
  }

  onStream(stream: Stream): void {
    this.stream = stream;
    this.host = this.endpoint?.endpoint.key ?? '';
    if (this.tunnel) return;
    const head = Head.request('GET', '/', 'a.shop');
    stream.sendHead(head, true);
    head.free();
  }

  onRefused(flag: string, detail: string): void {
    this.refused = flag;
    this.detail = detail;
    this.host = this.endpoint?.endpoint.key ?? '';
  }

  onHead(head: Head, last: boolean): void {
    this.#cluster.answered(this);
    this.endpoint?.noteResponse(head);
    this.status = head.status;
    head.free();
    if (last) this.finish(this.status >= 500 ? OUTCOME.failed : OUTCOME.ok);
  }

  onData(_bytes: Uint8Array, _start: number, _end: number, last: boolean): void {
    if (last) this.finish(this.status >= 500 ? OUTCOME.failed : OUTCOME.ok);
  }

  onTrailers(fields: Head): void {
    fields.free();
  }

  onWritable(): void {}

  onReset(reason: ResetReason): void {
    this.reset = reason;
    this.finish(OUTCOME.failed);
  }

  finish(outcome: Outcome): void {
    this.#cluster.done(this, outcome);
  }
}

interface AttemptKind {
  readonly tunnel?: boolean;
  readonly hash?: number;
  /** Of the downstream connection. */
  readonly destination?: Address;
}

/** Hosts `10.0.1.1`, `10.0.1.2`… on port 80 behind the cluster `a.shop`. */
export function simCluster(
  count: number,
  parts: Partial<ClusterConfig> = {},
  seed = 5,
  zone: ClusterWorld['zone'] = null,
  callers: ClusterWorld['callers'] = null,
) {
  const sim = new Simulation({ seed, link: { latencyMs: 1 } });
  const runtime = sim.start('10.0.0.1');
  const timers = new TimerWheel(runtime.clock);
  const log = new RecordingLog('debug');
  const telemetry = new Telemetry('web.shop');
  const identity = new MeshIdentity(runtime.clock, { current: () => null, subscribe: () => () => {} }, '');
  const world: ClusterWorld = {
    dialer: {
      runtime,
      timers,
      resolver: new ResolveCache(runtime.net, runtime.clock),
      internals: new InternalTargets(),
      own: new OwnAddresses(),
    },
    identity,
    telemetry,
    log,
    throttle: new LogThrottle(runtime.clock),
    egressProxy: null,
    zone: callers ?? zone,
    callers,
    checks: new Limit('max_health_checks', 64),
  };
  const clusters = new Clusters(world);
  const hosts = Array.from({ length: count }, (_, i) => new SimHost(sim, `10.0.1.${i + 1}`, parts.protocol));
  sim.runSync(() => false, 1);
  const endpoints = (each: readonly SimHost[], endpoint: Partial<Endpoint> = {}): readonly Endpoint[] =>
    each.map(({ address }) => endpointAt({ host: address, port: PORT }, endpoint));
  let config = parts;
  const configure = (each: readonly Endpoint[], more: Partial<ClusterConfig> = {}): Cluster => {
    config = { ...config, ...more };
    const cluster = clusters.apply(snapshotOf({ clusters: [clusterOf('a.shop', each, config)] })).get('a.shop');
    if (cluster === undefined) throw new Error('no cluster');
    return cluster;
  };
  const cluster = configure(endpoints(hosts));
  const beginAt = (at: Cluster, kind: AttemptKind = {}): SimAttempt => {
    const attempt = new SimAttempt(
      at,
      kind.tunnel ?? false,
      kind.hash ?? -1,
      kind.destination ?? { host: '10.0.0.1', port: 0 },
    );
    at.acquire(attempt);
    return attempt;
  };
  const begin = (kind: AttemptKind = {}): SimAttempt => beginAt(cluster, kind);
  const runFor = (ms: number): Promise<boolean> => sim.run(() => false, ms);
  /** Requests one after the other, until each has ended. */
  const ask = async (times: number): Promise<SimAttempt[]> => {
    const attempts: SimAttempt[] = [];
    for (let i = 0; i < times; i++) {
      const attempt = begin();
      attempts.push(attempt);
      await sim.run(() => attempt.ended, 60_000);
      await runFor(3);
    }
    return attempts;
  };
  const counter = (name: string): number => {
    let sum = 0;
    for (const series of telemetry.counters.series()) if (series.name === name) sum += series.value;
    return sum;
  };
  return {
    sim,
    cluster,
    clusters,
    hosts,
    log,
    timers,
    world,
    configure,
    endpoints,
    begin,
    beginAt,
    ask,
    runFor,
    counter,
  };
}
