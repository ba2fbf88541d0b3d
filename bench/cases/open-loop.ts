/** A request through the pair at a fixed rate: the latency that callers see, and what a proxy that is not busy costs. */
import { loadHttp } from '../load/http-load.ts';
import { runNative } from '../load/native.ts';
import type { Proxies } from '../proxies.ts';
import { compare, cpuPerAnswer, inRounds, type Sample } from '../rounds.ts';
import type { Stage } from '../stage.ts';

const RATE = 3_000;
const CONNECTIONS = 32;
/** Rare latencies need many requests; the generator leaves the first second out. */
const TIMES_LONGER = 2;

interface OpenLoopSample extends Sample {
  readonly cpuUs: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
}

export async function benchOpenLoop(stage: Stage): Promise<void> {
  const { options, report } = stage;
  const backends = await stage.backends();
  const count = () => backends.count('http');
  const targets = await stage.pairs('open-loop', 'http', ['haproxy-h2', 'envoy']);
  // In a closed loop, because compilers count calls: at this rate theirs would come in the middle of a measurement.
  for (const target of targets) await loadHttp(target, CONNECTIONS, options.warmup, count);
  const rounds = await inRounds('open-loop', targets, options.rounds, report, (target) =>
    load(target, options.seconds * TIMES_LONGER, count),
  );
  compare(report, 'open-loop', 'µs', targets, rounds, ({ cpuUs }) => cpuUs);
  compare(report, 'open-loop p50', 'µs', targets, rounds, ({ p50Us }) => p50Us);
  compare(report, 'open-loop p99', 'µs', targets, rounds, ({ p99Us }) => p99Us);
  compare(report, 'open-loop p99.9', 'µs', targets, rounds, ({ p999Us }) => p999Us);
}

async function load(target: Proxies, seconds: number, count: () => Promise<number>): Promise<OpenLoopSample> {
  const [host = '', port = ''] = (target.addresses.http ?? '').split(':');
  const running = runNative('open-loop', [host, port, RATE, CONNECTIONS, seconds]);
  const cpuUs = await cpuPerAnswer(target, seconds, count);
  const { failure, value } = await running;
  const errors = failure !== '' ? failure : value('failed') > 0 ? `${value('failed')} answers were not 200` : '';
  return { errors, cpuUs, p50Us: value('p50Us'), p99Us: value('p99Us'), p999Us: value('p999Us') };
}
