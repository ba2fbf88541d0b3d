/** An Envoy that outlived its agent, which was killed: it holds the workload's ports, and serves with an identity that ends. */
import { join } from 'node:path';
import type { Log } from '../../core/log.ts';
import type { Files } from '../../core/runtime.ts';
import { signalGroup } from '../app-process.ts';

const PID_FILE = 'envoy.pid';

export async function keepPid(files: Files, directory: string, pid: number): Promise<void> {
  await files.write(join(directory, PID_FILE), Buffer.from(String(pid)), 0o600);
}

/** Kills it, if the process of that number is still the one with this bootstrap: numbers are used again. */
export async function endStaleEnvoy(files: Files, log: Log, directory: string, bootstrapPath: string): Promise<void> {
  const pid = Number(await textOf(files, join(directory, PID_FILE)));
  if (!Number.isInteger(pid) || pid <= 1) return;
  const command = await textOf(files, `/proc/${pid}/cmdline`);
  if (!command.split('\0').includes(bootstrapPath)) return;
  log.warn('an Envoy of this workload was left behind and is ended', { pid });
  signalGroup(pid, 'SIGKILL');
}

async function textOf(files: Files, path: string): Promise<string> {
  try {
    return Buffer.from(await files.read(path)).toString('utf8');
  } catch {
    return '';
  }
}
