/**
 * A data plane in a process of its own: what load is put on. In front of one application it listens in clear text and, as
 * sidecars do for each other, with mTLS; a third listener leads through the second, so that a request goes the way that
 * it takes between two sidecars. Arguments: the application's port; CPU that each request costs beyond its own, ms; how
 * often everything that may change does, ms (0: never). Prints where it listens as one JSON line.
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
import type { Snapshot } from '../../src/snapshot/snapshot.ts';
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
} from '../support/proxy-snapshots.ts';
import { issueSvid, SettableSvid, testAuthority } from '../support/real-svids.ts';

const HERE = '127.0.0.1';
const appPort = Number(process.argv[2]);
const costMs = Number(process.argv[3]);
const churnMs = Number(process.argv[4]);
const [port, innerPort, meshPort] = [await freePort(), await freePort(), await freePort()];
/** On a machine of ordinary speed. */
const ROUNDS_PER_MS = 450_000;

let carryMs = 0;
const real = createNodeRuntime({ sockets: rawKind() ?? streamKind });
const runtime: Runtime = costMs === 0 ? real : { ...real, random: { ...real.random, next: dearChance } };
const timers = new TimerWheel(runtime.clock);
const authority = await testAuthority(runtime, TRUST_DOMAIN);
const svid = new SettableSvid(await issueSvid(authority, idOf('app')));
const plane = new DataPlane({
  runtime,
  timers,
  log: createLog({ level: 'warn' }),
  service: 'app.shop',
  svid,
  trustBundlePem: authority.trustBundlePem,
  egressProxy: null,
  accessLogPath: null,
  maxConnections: 40_000,
});
const limits = {
  ...{ maxConnections: 16_384, maxPending: 65_536, maxRequests: 65_536 },
  ...{ maxRetries: 3, retryBudgetPercent: null, minRetryConcurrency: 3 },
};

/** The same for each number, and different in what a change of configuration may bring. */
function snapshotNumber(number: number): Snapshot {
  const app = { host: HERE, port: appPort };
  const inner = endpointAt({ host: HERE, port: innerPort }, { weight: 1 + (number % 2) });
  const rare = { headersTimeoutMs: 60_000 + (number % 7 === 6 ? 1 : 0) };
  const tls = { transport: meshTls(['app'], 'weft-http1'), transportHash: 'mesh', protocol: 'http2' as const };
  return snapshotOf({
    routes: [
      routesOf('all', { [`/none-${number % 3}`]: forward('app'), '/': forward('app') }),
      routesOf('mesh', { '/': forward('mesh', { retry: RETRIES }) }),
    ],
    clusters: [
      clusterOf('app', [endpointAt(app, { weight: 1 + (number % 3) })], { limits }),
      clusterOf('mesh', number % 5 === 4 ? [] : [inner], { limits, ...tls }),
    ],
    listeners: [
      listenerOf('inbound|app', { host: HERE, port }, [chainOf(httpManager('all', rare))], { inspectTls: false }),
      listenerOf('inbound|mesh', { host: HERE, port: innerPort }, [mtlsChain(httpManager('all'), 'weft-http1')]),
      listenerOf('outbound|mesh', { host: HERE, port: meshPort }, [chainOf(httpManager('mesh', rare))]),
    ],
  });
}

const failures = await plane.use(plane.bind(snapshotNumber(0)));
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
const client = { ...(await issueSvid(authority, idOf('web'))), trustBundlePem: authority.trustBundlePem };
process.stdout.write(`${JSON.stringify({ port, innerPort, meshPort, admin: admin.address.port, client })}\n`);
if (churnMs > 0) setTimeout(() => void change(1), churnMs);

/** Configuration each time, the certificate every tenth. */
async function change(number: number): Promise<void> {
  await plane.use(plane.bind(snapshotNumber(number)));
  if (number % 10 === 0) svid.set(await issueSvid(authority, idOf('app')));
  setTimeout(() => void change(number + 1), churnMs);
}

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
