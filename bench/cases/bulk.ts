/** A gibibyte of plain TCP through one proxy, from backend to caller. */
import { cpuMicros } from '../cpu-time.ts';
import { runNative } from '../load/native.ts';
import type { Proxies } from '../proxies.ts';
import { compare, inRounds, type Sample } from '../rounds.ts';
import type { Stage } from '../stage.ts';

const MIB = 1024;

interface BulkSample extends Sample {
  readonly cpuUs: number;
  readonly ms: number;
}

export async function benchBulk(stage: Stage): Promise<void> {
  const { options, report } = stage;
  const targets = await stage.hops('bulk', 'bulk', ['haproxy', 'envoy']);
  for (const target of targets) await load(target);
  const rounds = await inRounds('bulk', targets, options.rounds, report, load);
  compare(report, 'bulk', 'µs/MiB', targets, rounds, ({ cpuUs }) => cpuUs);
  compare(report, 'bulk time', 'ms', targets, rounds, ({ ms }) => ms);
}

async function load(target: Proxies): Promise<BulkSample> {
  const [host = '', port = ''] = (target.addresses.bulk ?? '').split(':');
  const before = cpuMicros(target.pids);
  const { failure, value } = await runNative('bulk', [host, port, MIB]);
  const cpuUs = (cpuMicros(target.pids) - before) / MIB;
  const errors = failure !== '' ? failure : value('mib') === MIB ? '' : `${value('mib')} MiB of ${MIB} came`;
  return { errors, cpuUs, ms: value('ms') };
}
