/** A request through one proxy, without TLS. */
import { loadHttp } from '../load/http-load.ts';
import { compare, inRounds } from '../rounds.ts';
import type { Stage } from '../stage.ts';

const CONNECTIONS = 64;

export async function benchHop(stage: Stage): Promise<void> {
  const { options, report } = stage;
  const backends = await stage.backends();
  const count = () => backends.count('http');
  const name = `hop c=${CONNECTIONS}`;
  const targets = await stage.hops(name, 'http', ['haproxy', 'nginx', 'envoy']);
  for (const target of targets) await loadHttp(target, CONNECTIONS, options.warmup, count);
  const rounds = await inRounds(name, targets, options.rounds, report, (target) =>
    loadHttp(target, CONNECTIONS, options.seconds, count),
  );
  compare(report, name, 'µs', targets, rounds, ({ cpuUs }) => cpuUs);
  compare(report, `${name} p99`, 'µs', targets, rounds, ({ p99Us }) => p99Us);
}
