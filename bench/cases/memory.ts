/** Resident memory of one sidecar: when nothing has happened yet, and while 512 connections are busy. */
import { setTimeout as sleep } from 'node:timers/promises';
import { rssMib } from '../cpu-time.ts';
import { loadHttp } from '../load/http-load.ts';
import type { Proxies } from '../proxies.ts';
import { compare, alone } from '../rounds.ts';
import type { Stage } from '../stage.ts';

const CONNECTIONS = 512;
/** What a start leaves behind is collected by then. */
const SETTLE_MS = 2_000;

export async function benchMemory(stage: Stage): Promise<void> {
  const { options, report } = stage;
  const backends = await stage.backends();
  const targets = await stage.pairs('memory', 'http', ['haproxy-h2', 'envoy']);
  await sleep(SETTLE_MS);
  const idle = targets.map(worst);
  const loaded: number[] = [];
  for (const target of targets) {
    const running = loadHttp(target, CONNECTIONS, options.seconds, () => backends.count('http'));
    await sleep(options.seconds * 900);
    loaded.push(worst(target));
    await running;
  }
  for (const [name, values] of [
    ['rss idle', idle],
    ['rss 512 connections', loaded],
  ] as const) {
    alone(report, name, 'MiB', values[0] ?? Number.NaN);
    const rows = [values.map((mib) => ({ mib, errors: '' }))];
    if (targets.length > 1) compare(report, name, 'MiB', targets, rows, ({ mib }) => mib);
  }
}

/** Of the two, the one that holds more. */
function worst({ pids }: Proxies): number {
  return Math.max(...pids.map((pid) => rssMib([pid])));
}
