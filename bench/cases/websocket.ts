/** Small WebSocket messages, echoed through the pair. */
import { runNative } from '../load/native.ts';
import type { Proxies } from '../proxies.ts';
import { compare, cpuPerAnswer, inRounds, type Sample } from '../rounds.ts';
import type { Stage } from '../stage.ts';

const CONNECTIONS = 64;

interface WebSocketSample extends Sample {
  readonly cpuUs: number;
  readonly p99Us: number;
}

export async function benchWebSocket(stage: Stage): Promise<void> {
  const { options, report } = stage;
  const backends = await stage.backends();
  const count = () => backends.count('websocket');
  const targets = await stage.pairs('websocket', 'websocket', ['haproxy-h1']);
  for (const target of targets) await load(target, options.warmup, count);
  const rounds = await inRounds('websocket', targets, options.rounds, report, (target) =>
    load(target, options.seconds, count),
  );
  compare(report, 'websocket', 'µs', targets, rounds, ({ cpuUs }) => cpuUs);
  compare(report, 'websocket p99', 'µs', targets, rounds, ({ p99Us }) => p99Us);
}

async function load(target: Proxies, seconds: number, count: () => Promise<number>): Promise<WebSocketSample> {
  const [host = '', port = ''] = (target.addresses.websocket ?? '').split(':');
  const running = runNative('websocket', [host, port, CONNECTIONS, seconds]);
  const cpuUs = await cpuPerAnswer(target, seconds, count);
  const { failure, value } = await running;
  const errors = failure !== '' ? failure : value('failed') > 0 ? `${value('failed')} wrong echoes` : '';
  return { errors, cpuUs, p99Us: value('p99Us') };
}
