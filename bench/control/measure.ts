/** What one control plane does with a number of proxies, from their first connection to its own restart. */
import { setTimeout as sleep } from 'node:timers/promises';
import { TYPE_URLS } from '../../src/xds/resource.ts';
import { cpuMicros, rssMib } from '../cpu-time.ts';
import { quantile } from '../report.ts';
import { Fleet } from './fleet.ts';
import { NAMESPACE, PORT, POPULAR, routeStamp, serviceName, stampedAddress } from './mesh-objects.ts';
import { monotonicMs } from './monotonic.ts';
import type { Scale, Subject } from './subject.ts';
import { sustained } from './sustained.ts';

/** In the order of the report: name → value, in the unit that `UNITS` gives. */
export type Measured = Readonly<Record<Metric, number>>;

export const UNITS = {
  'first sync': 's',
  'first sync, CPU a proxy': 'ms',
  'first sync, bytes a proxy': 'KiB',
  'memory a proxy': 'KiB',
  'memory of all': 'MiB',
  'endpoint of all, p50': 'ms',
  'endpoint of all, p99': 'ms',
  'endpoint of all, CPU': 'ms',
  'endpoint of some, p50': 'ms',
  'endpoint of some, p99': 'ms',
  'endpoint of some, CPU': 'ms',
  'route of all, p50': 'ms',
  'route of all, p99': 'ms',
  'route of all, CPU': 'ms',
  'sustained, lag p50': 'ms',
  'sustained, lag p99': 'ms',
  'sustained, core': '%',
  restart: 's',
  'restart, CPU a proxy': 'ms',
  'restart, bytes of a first sync': '%',
} as const;

export type Metric = keyof typeof UNITS;

/** Collections of garbage have happened by then. */
const SETTLE_MS = 2_000;
const SYNC_MS = 300_000;
const CHANGE_MS = 60_000;
/** So that a change never rides on the push of the one before. */
const PAUSE_MS = 200;

/** Stamps are never used twice on one mesh. */
let change = 0;

export async function measure(subject: Subject, stateDir: string, scale: Scale): Promise<Measured> {
  const { services, proxies } = scale;
  const cpuMs = (): number => cpuMicros([subject.pid]) / 1000;
  const half = Math.floor(proxies / 2);
  const options = { stateDir, services, xds: subject.xds };
  const first = new Fleet({ ...options, first: 0, count: half });
  const second = new Fleet({ ...options, first: half, count: proxies - half });
  const fleets = [first, second];
  try {
    for (const fleet of fleets) await fleet.make();
    const cpuAtStart = cpuMs();
    let syncMs = await first.connect(SYNC_MS);
    const between = await settledRss(subject);
    syncMs += await second.connect(SYNC_MS);
    const syncCpu = cpuMs() - cpuAtStart;
    const rss = await settledRss(subject);
    const syncBytes = await received(fleets);

    const endpointOfAll = await changes(subject, fleets, scale, () => POPULAR, 'endpoint');
    const endpointOfSome = await changes(subject, fleets, scale, (round) => 1 + (round % (services - 1)), 'endpoint');
    const routeOfAll = await changes(subject, fleets, scale, () => POPULAR, 'route');
    change += 1;
    const trickle = await sustained(subject, fleets, scale, change);
    change += trickle.changes;

    const bytesBefore = await received(fleets);
    for (const fleet of fleets) fleet.expectSync();
    await subject.stop();
    const restartedMs = monotonicMs();
    await subject.start();
    const cpuAtRestart = cpuMs();
    const syncedMs = Math.max(...(await Promise.all(fleets.map((fleet) => fleet.synced(SYNC_MS)))));
    const restartCpu = cpuMs() - cpuAtRestart;
    await sleep(SETTLE_MS);
    return {
      'first sync': syncMs / 1000,
      'first sync, CPU a proxy': syncCpu / proxies,
      'first sync, bytes a proxy': syncBytes / proxies / 1024,
      'memory a proxy': ((rss - between) * 1024) / (proxies - half),
      'memory of all': rss,
      ...named('endpoint of all', endpointOfAll),
      ...named('endpoint of some', endpointOfSome),
      ...named('route of all', routeOfAll),
      'sustained, lag p50': quantile(trickle.lagsMs, 0.5),
      'sustained, lag p99': quantile(trickle.lagsMs, 0.99),
      'sustained, core': 100 * trickle.coreShare,
      restart: (syncedMs - restartedMs) / 1000,
      'restart, CPU a proxy': restartCpu / proxies,
      'restart, bytes of a first sync': (100 * ((await received(fleets)) - bytesBefore)) / syncBytes,
    };
  } finally {
    await Promise.all(fleets.map((fleet) => fleet.close()));
  }
}

interface Changes {
  readonly latenciesMs: readonly number[];
  readonly cpuMs: number;
}

/** One change after the other, each from the request until the last proxy that it concerns has acknowledged it. */
async function changes(
  subject: Subject,
  fleets: readonly Fleet[],
  scale: Scale,
  serviceOf: (round: number) => number,
  what: 'endpoint' | 'route',
): Promise<Changes> {
  const latenciesMs: number[] = [];
  const cpuBefore = cpuMicros([subject.pid]);
  for (let round = 0; round < scale.changes; round++) {
    await sleep(PAUSE_MS);
    const service = serviceOf(round);
    change += 1;
    const host = `${PORT}|${serviceName(service)}.${NAMESPACE}`;
    const expected =
      what === 'endpoint'
        ? { type: TYPE_URLS.endpoints, name: host, stamp: stampedAddress(change) }
        : { type: TYPE_URLS.routes, name: `outbound|${host}`, stamp: routeStamp(change) };
    const taken = fleets.map((fleet) => fleet.expect(expected, service, CHANGE_MS));
    const startedMs = monotonicMs();
    await (what === 'endpoint' ? subject.moveEndpoint(service, change) : subject.changeRoute(service, change));
    latenciesMs.push(Math.max(...(await Promise.all(taken))) - startedMs);
  }
  return { latenciesMs, cpuMs: (cpuMicros([subject.pid]) - cpuBefore) / 1000 / scale.changes };
}

function named<N extends 'endpoint of all' | 'endpoint of some' | 'route of all'>(name: N, measured: Changes) {
  const { latenciesMs, cpuMs } = measured;
  const entries = { p50: quantile(latenciesMs, 0.5), p99: quantile(latenciesMs, 0.99), CPU: cpuMs };
  // Safe: the keys are those of the type.
  return Object.fromEntries(Object.entries(entries).map(([key, value]) => [`${name}, ${key}`, value])) as Record<
    `${N}, ${keyof typeof entries}`,
    number
  >;
}

async function settledRss({ pid }: Subject): Promise<number> {
  await sleep(SETTLE_MS);
  return rssMib([pid]);
}

async function received(fleets: readonly Fleet[]): Promise<number> {
  const bytes = await Promise.all(fleets.map((fleet) => fleet.receivedBytes()));
  return bytes.reduce((sum, each) => sum + each, 0);
}
