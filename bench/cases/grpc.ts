/** Unary gRPC calls through a pair of sidecars, each with a traceparent of its own. */
import { runNative } from '../load/native.ts';
import type { Proxies } from '../proxies.ts';
import { compare, cpuPerAnswer, inRounds, type Sample } from '../rounds.ts';
import type { Stage } from '../stage.ts';

/** Connections, and calls at once on each. */
const SHAPES = [
  [1, 1],
  [1, 10],
  [4, 25],
] as const;

interface GrpcSample extends Sample {
  readonly cpuUs: number;
  readonly p99Us: number;
  readonly callsPerSecond: number;
}

export async function benchGrpc(stage: Stage): Promise<void> {
  const { options, report } = stage;
  const backends = await stage.backends();
  const count = () => backends.count('grpc');
  const targets = await stage.pairs('grpc', 'grpc', ['haproxy-h2', 'envoy']);
  for (const target of targets) await load(target, 4, 25, options.warmup, count);
  for (const [connections, streams] of SHAPES) {
    const name = `grpc ${connections}x${streams}`;
    const rounds = await inRounds(name, targets, options.rounds, report, (target) =>
      load(target, connections, streams, options.seconds, count),
    );
    compare(report, name, 'µs', targets, rounds, ({ cpuUs }) => cpuUs);
    compare(report, `${name} p99`, 'µs', targets, rounds, ({ p99Us }) => p99Us);
    compare(report, `${name} rate`, '1/s', targets, rounds, ({ callsPerSecond }) => callsPerSecond);
  }
}

async function load(
  target: Proxies,
  connections: number,
  streams: number,
  seconds: number,
  count: () => Promise<number>,
): Promise<GrpcSample> {
  const [host = '', port = ''] = (target.addresses.grpc ?? '').split(':');
  const running = runNative('grpc', [host, port, connections, streams, seconds]);
  const cpuUs = await cpuPerAnswer(target, seconds, count);
  const { failure, value } = await running;
  const [answered, failed] = [value('answered'), value('failed')];
  const errors = failure !== '' ? failure : failed > 0 || answered === 0 ? `${failed} of ${answered} calls failed` : '';
  return { errors, cpuUs, p99Us: value('p99Us'), callsPerSecond: answered / seconds };
}
