/**
 * A router between two codecs, in simulation: caller → HTTP/1.1 or HTTP/2 → exchange → HTTP/1.1 or HTTP/2 → application.
 * Listeners and clusters are left out, so that a test says what each side does at the level of streams.
 */
import { localAddress } from '../../../capture/original-destination.ts';
import { ChunkPool } from '../../../core/chunk-pool.ts';
import { RecordingLog } from '../../../core/log.ts';
import type { Connection } from '../../../core/runtime.ts';
import { TimerWheel } from '../../../core/timer-wheel.ts';
import { WallTime } from '../../../core/wall-time.ts';
import { Http1Client } from '../../../http/h1/client.ts';
import { DEFAULT_HTTP1_LIMITS } from '../../../http/h1/limits.ts';
import { Http1Server } from '../../../http/h1/server.ts';
import { Recorder } from '../../../http/h1/test/recorder.ts';
import { Http2Client } from '../../../http/h2/client.ts';
import { DEFAULT_HTTP2_LIMITS } from '../../../http/h2/limits.ts';
import { Http2Server } from '../../../http/h2/server.ts';
import type { Filter } from '../../../http/filter.ts';
import type { Head } from '../../../http/head.ts';
import type { MessageReceiver, Stream } from '../../../http/message.ts';
import { type SimRuntime, Simulation } from '../../../runtime/sim/simulation.ts';
import type { SvidSource } from '../../../identity/svid.ts';
import type { ForwardAction } from '../../../snapshot/route-table.ts';
import type { HttpManager } from '../../../snapshot/snapshot.ts';
import { forward, httpManager, routesOf, snapshotOf } from '../../../../test/support/proxy-snapshots.ts';
import { type Attempt, OUTCOME } from '../../cluster/attempt.ts';
import type { Cluster } from '../../cluster/cluster.ts';
import { MeshIdentity } from '../../cluster/mesh-identity.ts';
import { InternalTargets } from '../../cluster/internal-targets.ts';
import { Overload } from '../../overload/overload.ts';
import { LogFiles } from '../../telemetry/log-files.ts';
import { LogThrottle } from '../../../core/log-throttle.ts';
import { Telemetry } from '../../telemetry/telemetry.ts';
import { createBinding } from '../binding.ts';
import { Downstream } from '../downstream.ts';
import { HttpExchange } from '../exchange.ts';
import { IdentityFields } from '../identity-fields.ts';
import { OnDemand } from '../on-demand.ts';
import { RandomHex } from '../random-hex.ts';
import type { RouterWorld } from '../router-world.ts';
import { TraceContext } from '../trace-context.ts';

export type Version = 'h1' | 'h2';
export const MIXES: readonly (readonly [Version, Version])[] = [
  ['h1', 'h1'],
  ['h1', 'h2'],
  ['h2', 'h1'],
  ['h2', 'h2'],
];

const PROXY = { host: '10.0.0.1', port: 1 };
const APP = { host: '10.0.0.1', port: 2 };

/** A request as an application got it. */
export interface Arrived {
  readonly stream: Stream;
  readonly connection: Connection;
  readonly got: Recorder;
}

export interface Hops {
  readonly sim: Simulation;
  readonly telemetry: Telemetry;
  /** In the order in which they came. */
  readonly arrived: Arrived[];
  /** What the router keeps bodies in. */
  readonly chunks: ChunkPool;
  /** Requests that hold a place in the cluster. */
  active(): number;
  ask(head: Head, last: boolean): { readonly stream: Stream; readonly got: Recorder };
  run(until: () => boolean): Promise<void>;
}

export interface HopsOptions {
  readonly down: Version;
  readonly up: Version;
  readonly route?: Partial<ForwardAction>;
  readonly manager?: Partial<HttpManager>;
  readonly filters?: readonly Filter[];
  /** Instead of a codec between router and application. */
  readonly acquire?: (attempt: Attempt) => void;
  /** Of a second cluster, `shadow`. */
  readonly acquireShadow?: (attempt: Attempt) => void;
}

export async function startHops(options: HopsOptions): Promise<Hops> {
  const sim = new Simulation({ seed: 1 });
  const runtime = sim.start(PROXY.host);
  const timers = new TimerWheel(runtime.clock);
  const telemetry = new Telemetry('web.shop');
  const arrived: Arrived[] = [];
  await runtime.net.listen(APP, (connection) =>
    serve(options.up, runtime, timers, connection, (stream) => {
      const got = new Recorder();
      arrived.push({ stream, connection, got });
      return got;
    }),
  );
  const client = connector(options.up, runtime, timers, APP);
  let active = 0;
  const cluster = stubCluster(
    telemetry,
    (attempt) => {
      active++;
      if (options.acquire === undefined) attempt.onStream(client(attempt));
      else options.acquire(attempt);
    },
    () => active--,
  );
  const clusters = new Map([['app', cluster]]);
  if (options.acquireShadow !== undefined) {
    clusters.set(
      'shadow',
      stubCluster(telemetry, options.acquireShadow, () => {}, 'shadow'),
    );
  }
  const world = worldOf(runtime, timers, telemetry, options, clusters);
  const manager = httpManager('out', options.manager);
  await runtime.net.listen(PROXY, (connection) => {
    const down = new Downstream(
      world,
      manager,
      { chain: () => options.filters ?? [] },
      'outbound',
      connection.info,
      false,
    );
    return serve(options.down, runtime, timers, connection, (stream, head) => new HttpExchange(down, stream, head));
  });
  const caller = connector(options.down, runtime, timers, PROXY);
  return {
    sim,
    telemetry,
    arrived,
    chunks: world.chunks,
    active: () => active,
    ask(head, last) {
      const got = new Recorder();
      const stream = caller(got);
      stream.sendHead(head, last);
      return { stream, got };
    },
    run: async (until) => {
      await sim.run(until, 30_000);
    },
  };
}

function worldOf(
  runtime: SimRuntime,
  timers: TimerWheel,
  telemetry: Telemetry,
  options: HopsOptions,
  clusters: ReadonlyMap<string, Cluster>,
): RouterWorld {
  const ids = new RandomHex(runtime.random);
  const routes = routesOf('out', { '/': forward('app', options.route) });
  const binding = createBinding(snapshotOf({ routes: [routes] }), clusters);
  const nobody: SvidSource = { current: () => null, subscribe: () => () => {} };
  return {
    runtime,
    timers,
    telemetry,
    overload: new Overload(runtime, timers, telemetry, () => {}),
    chunks: new ChunkPool(),
    accessLog: null,
    logFiles: new LogFiles(runtime.files, timers, telemetry.counters.counter('dropped'), new RecordingLog('debug')),
    wallTime: new WallTime(runtime.clock),
    identity: new MeshIdentity(runtime.clock, nobody, ''),
    destination: localAddress,
    internals: new InternalTargets(),
    demand: new OnDemand(timers),
    fields: new IdentityFields(ids),
    traces: new TraceContext(runtime.random, ids),
    log: new RecordingLog('debug'),
    throttle: new LogThrottle(runtime.clock),
    binding: () => binding,
  };
}

/** What the router asks of a cluster, without endpoints. */
function stubCluster(
  telemetry: Telemetry,
  open: (attempt: Attempt) => void,
  closed: () => void,
  name = 'app',
): Cluster {
  const edge = telemetry.edge('outbound', 'web.shop', 'app.shop', false);
  const limits = { maxRetries: 100, retryBudgetPercent: null, minRetryConcurrency: 3 };
  return {
    name,
    config: { service: 'app.shop' },
    circuit: { limits, active: 0, activeRetries: 0, fired() {} },
    hosts: [],
    secure: false,
    chained: false,
    edge: () => edge,
    takeRetry: () => true,
    answered() {},
    acquire(attempt: Attempt) {
      attempt.holdsSlot = true;
      open(attempt);
    },
    done(attempt: Attempt, outcome: number) {
      if (attempt.holdsSlot) closed();
      attempt.holdsSlot = false;
      if (outcome === OUTCOME.failed) telemetry.counters.counter('test_failed_tries').add(1);
    },
  } as unknown as Cluster;
}

function serve(
  version: Version,
  runtime: SimRuntime,
  timers: TimerWheel,
  connection: Connection,
  open: (stream: Stream, head: Head) => MessageReceiver,
): Http1Server | Http2Server {
  const callbacks = { open, onRefused() {}, onLimit() {}, onClosed() {} };
  const { clock } = runtime;
  return version === 'h1'
    ? new Http1Server(connection, { limits: DEFAULT_HTTP1_LIMITS, timers, callbacks })
    : new Http2Server(connection, { limits: DEFAULT_HTTP2_LIMITS, timers, clock, callbacks });
}

/** Opens streams to there: one connection each over HTTP/1.1, one for all over HTTP/2. */
function connector(
  version: Version,
  runtime: SimRuntime,
  timers: TimerWheel,
  to: typeof APP,
): (receiver: MessageReceiver) => Stream {
  const ignored = { onConnected() {}, onIdle() {}, onGone() {}, onRoom() {}, onDraining() {}, onLimit() {} };
  if (version === 'h1') {
    return (receiver) => {
      const client = new Http1Client({ limits: DEFAULT_HTTP1_LIMITS, callbacks: ignored });
      client.attach(runtime.net.connect(to, client));
      return client.open(receiver);
    };
  }
  let client: Http2Client | null = null;
  return (receiver) => {
    if (client === null || client.room === 0) {
      client = new Http2Client({ limits: DEFAULT_HTTP2_LIMITS, timers, clock: runtime.clock, callbacks: ignored });
      client.attach(runtime.net.connect(to, client));
    }
    return client.open(receiver);
  };
}
