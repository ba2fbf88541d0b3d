/** A request through a pair of sidecars, with mTLS between the two: CPU, latency and throughput in a closed loop. */
import { loadHttp } from '../load/http-load.ts';
import { compare, inRounds } from '../rounds.ts';
import type { Stage } from '../stage.ts';

export async function benchPair(stage: Stage): Promise<void> {
  const { options, report } = stage;
  const backends = await stage.backends();
  const count = () => backends.count('http');
  const peers = ['haproxy-h1', 'haproxy-h2', 'nginx', 'envoy'];
  const targets = await stage.pairs('pair', 'http', peers);
  for (const target of targets) await loadHttp(target, 64, options.warmup, count);
  for (const connections of options.connections) {
    const name = `pair c=${connections}`;
    const rounds = await inRounds(name, targets, options.rounds, report, (target) =>
      loadHttp(target, connections, options.seconds, count),
    );
    compare(report, name, 'µs', targets, rounds, ({ cpuUs }) => cpuUs);
    compare(report, `${name} p50`, 'µs', targets, rounds, ({ p50Us }) => p50Us);
    compare(report, `${name} p99`, 'µs', targets, rounds, ({ p99Us }) => p99Us);
    compare(report, `${name} rate`, '1/s', targets, rounds, ({ requestsPerSecond }) => requestsPerSecond);
  }
}
