/**
 * The same load on every pair in turn, round after round, so that what changes on the machine changes for all: CPU
 * time a request is a ratio within one round, and the median of the rounds.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMicros, rssMib } from '../cpu-time.ts';
import { median, type Report } from '../report.ts';
import { type Load, wrk } from '../wrk.ts';
import { backendRequests } from './backend.ts';
import type { Target } from './target.ts';

export interface PairOptions {
  readonly connections: readonly number[];
  readonly rounds: number;
  readonly seconds: number;
  readonly warmup: number;
  /** wrk's Lua file. */
  readonly requests: string;
}

/** Of a run; its first part makes connections, the last one may end a little earlier than asked. */
const WINDOW = { from: 0.35, to: 0.9 };

interface Sample extends Load {
  readonly cpuUs: number;
}

/** The last target is the one that the others are compared to. */
export async function measurePairs(targets: readonly Target[], options: PairOptions, report: Report): Promise<void> {
  // What a start leaves behind is collected by then.
  await sleep(2_000);
  const idle = targets.map(({ pids }) => rssMib(pids) / pids.length);
  for (const target of targets) await measure(target, 64, options.warmup, options);
  for (const connections of options.connections) {
    // Connections are made before anything is measured: a handshake is no part of a request's cost.
    for (const target of targets) await measure(target, connections, 1, options);
    const rounds: Sample[][] = [];
    // A round with an error does not count, for nobody; so many may be run anew.
    for (let spare = options.rounds; rounds.length < options.rounds && spare >= 0; ) {
      const samples: Sample[] = [];
      for (const target of targets) samples.push(await measure(target, connections, options.seconds, options));
      const errors = samples
        .map(({ errors: count }, i) => (count > 0 ? `${targets[i]?.name}: ${count}` : ''))
        .join(' ');
      if (errors.trim() === '') rounds.push(samples);
      else {
        spare--;
        report.say(`pair, c=${connections}: a round with errors does not count (${errors.trim()})`);
      }
    }
    if (rounds.length === 0) throw new Error(`no round without errors at ${connections} connections`);
    tell(targets, connections, rounds, report);
  }
  targets.forEach(({ name, pids }, i) => {
    const common = { bench: 'pair', of: name, unit: 'MiB', samples: 1 };
    report.measured({ ...common, name: 'rss of one proxy, idle', value: idle[i] ?? Number.NaN });
    report.measured({ ...common, name: 'rss of one proxy, after load', value: rssMib(pids) / pids.length });
  });
}

/** CPU time of the middle of the run, when every connection is made, over the requests that the backend saw in it. */
async function measure(target: Target, connections: number, seconds: number, options: PairOptions): Promise<Sample> {
  const running = wrk(target.url, connections, seconds, options.requests);
  running.catch(() => {});
  await sleep(seconds * 1000 * WINDOW.from);
  const before = { cpuUs: cpuMicros(target.pids), requests: await backendRequests(target.backendPort) };
  await sleep(seconds * 1000 * (WINDOW.to - WINDOW.from));
  const after = { cpuUs: cpuMicros(target.pids), requests: await backendRequests(target.backendPort) };
  // One of them asked for the count.
  const requests = after.requests - before.requests - 1;
  return { ...(await running), cpuUs: (after.cpuUs - before.cpuUs) / requests };
}

function tell(targets: readonly Target[], connections: number, rounds: readonly Sample[][], report: Report): void {
  const last = targets.length - 1;
  const values: readonly { name: string; unit: string; of: (sample: Sample) => number }[] = [
    { name: 'cpu a request', unit: 'µs', of: (sample) => sample.cpuUs },
    { name: 'p50', unit: 'µs', of: (sample) => sample.p50Us },
    { name: 'p99', unit: 'µs', of: (sample) => sample.p99Us },
    { name: 'requests a second', unit: '1/s', of: (sample) => sample.requestsPerSecond },
  ];
  for (const { name, unit, of } of values) {
    const at = (round: readonly Sample[], i: number): number => {
      const sample = round[i];
      return sample === undefined ? Number.NaN : of(sample);
    };
    targets.forEach((target, i) => {
      const value = median(rounds.map((round) => at(round, i)));
      const common = { bench: 'pair', name, of: target.name, unit, connections, value, samples: rounds.length };
      const ratio = median(rounds.map((round) => at(round, i) / at(round, last)));
      const peer = targets[last]?.name ?? '';
      report.measured(i === last ? common : { ...common, peer, ratio });
    });
  }
}
