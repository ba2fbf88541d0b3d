/**
 * A data plane in a process of its own, with one plain listener, one route and its admin endpoint: what load is put on.
 * Arguments: the application's port, and CPU that each request costs beyond its own, ms. Prints where it listens as one JSON line.
 */
import { freePort } from '../../bench/free-port.ts';
import type { Runtime } from '../../src/core/runtime.ts';
import { TimerWheel } from '../../src/core/timer-wheel.ts';
import { jsonAnswer, serveAdmin, textAnswer } from '../../src/proxy/admin/admin-server.ts';
import { DataPlane } from '../../src/proxy/data-plane.ts';
import { createLog } from '../../src/runtime/node/log.ts';
import { createNodeRuntime } from '../../src/runtime/node/runtime.ts';
import { streamKind } from '../../src/runtime/node/socket-kind.ts';
import { rawKind } from '../../src/runtime/raw/raw-kind.ts';
import {
  chainOf,
  clusterOf,
  endpointAt,
  forward,
  httpManager,
  listenerOf,
  routesOf,
  snapshotOf,
} from '../support/proxy-snapshots.ts';

const HERE = '127.0.0.1';
const appPort = Number(process.argv[2]);
const costMs = Number(process.argv[3]);
const port = await freePort();
/** On a machine of ordinary speed. */
const ROUNDS_PER_MS = 200_000;

let carryMs = 0;
const real = createNodeRuntime({ sockets: rawKind() ?? streamKind });
const runtime: Runtime = costMs === 0 ? real : { ...real, random: { ...real.random, next: dearChance } };
const timers = new TimerWheel(runtime.clock);
const plane = new DataPlane({
  runtime,
  timers,
  log: createLog({ level: 'warn' }),
  service: 'app.shop',
  svid: { current: () => null, subscribe: () => () => {} },
  trustBundlePem: '',
  egressProxy: null,
  accessLogPath: null,
  maxConnections: 40_000,
});
const limits = { maxConnections: 4_096, maxPending: 65_536, maxRequests: 65_536 };
const snapshot = snapshotOf({
  routes: [routesOf('all', { '/': forward('app') })],
  clusters: [
    clusterOf('app', [endpointAt({ host: HERE, port: appPort })], {
      limits: { ...limits, maxRetries: 3, retryBudgetPercent: null, minRetryConcurrency: 3 },
    }),
  ],
  listeners: [listenerOf('inbound|app', { host: HERE, port }, [chainOf(httpManager('all'))], { inspectTls: false })],
});
const failures = await plane.use(plane.bind(snapshot));
if (failures.length > 0) throw new Error(failures[0]?.reason);
const admin = await serveAdmin(
  runtime,
  timers,
  { host: HERE, port: 0 },
  new Map([
    ['GET /ready', () => textAnswer(200, 'ready')],
    [
      'GET /state',
      () => {
        globalThis.gc?.();
        const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
        const connections = plane.listeners.active.reduce((sum, each) => sum + each.connections, 0);
        const { active: busyMs, idle: idleMs } = performance.eventLoopUtilization();
        const series = [...plane.telemetry.counters.series()].map(({ name, labels, value }) => ({
          name,
          labels,
          value,
        }));
        const timersArmed = timers.size;
        return jsonAnswer({
          rss,
          heapUsed,
          external,
          arrayBuffers,
          connections,
          timersArmed,
          busyMs,
          idleMs,
          carryMs,
          series,
        });
      },
    ],
  ]),
);
process.stdout.write(`${JSON.stringify({ port, admin: admin.address.port })}\n`);

/** Asked twice for each request that is carried, for its route and its cluster, and for no other. */
function dearChance(): number {
  const from = performance.now();
  spin(costMs / 2);
  carryMs += performance.now() - from;
  return real.random.next();
}

let spun = 0;

/** So much work, however long it takes: a clock would count what others had of the core. */
function spin(ms: number): void {
  const rounds = ms * ROUNDS_PER_MS;
  for (let i = 0; i < rounds; i++) spun = (Math.imul(spun, 0x5bd1e995) + i) | 0;
}
