/** A real mesh for a benchmark: `weft up` and `weft run` from a bundle, in a state directory of their own. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LOAD_CORE } from './cores.ts';
import { type Started, start, until } from './children.ts';

export interface WorkloadOptions {
  readonly core: number;
  readonly service: string;
  readonly flags: readonly string[];
  readonly command: readonly string[];
  readonly outputFile?: string;
}

export class WeftMesh {
  readonly folder: string;
  readonly stateDir: string;
  readonly #bundle: string;

  constructor(folder: string, bundle: string) {
    this.folder = folder;
    this.#bundle = bundle;
    this.stateDir = join(folder, 'state');
    mkdirSync(this.stateDir, { recursive: true, mode: 0o700 });
  }

  /** Resolves when it says that it runs. */
  async startControlPlane(): Promise<Started> {
    const started = this.#weft(LOAD_CORE, [
      '-o',
      'json',
      'up',
      '--listen',
      '127.0.0.1:0',
      '--xds-listen',
      '127.0.0.1:0',
    ]);
    await until('a control plane that runs', 15_000, () => {
      if (started.child.exitCode !== null) throw new Error(`weft up ended: ${started.output()}`);
      return started.output().includes('"server"') ? true : null;
    });
    return started;
  }

  /** The application writes its variables first, so `catalog` is reached at `(await vipOf(…))`. */
  run({ core, service, flags, command, outputFile }: WorkloadOptions): Started {
    const args = ['run', '--service', service, ...flags, '--', ...command];
    return this.#weft(core, args, outputFile);
  }

  apply(yaml: string): void {
    const file = join(this.folder, 'apply.yaml');
    writeFileSync(file, yaml);
    execFileSync(process.execPath, [this.#bundle, '--state-dir', this.stateDir, 'apply', '-f', file], {
      timeout: 20_000,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }

  #weft(core: number, args: readonly string[], outputFile?: string): Started {
    const env = { ...process.env, WEFT_LOG_LEVEL: 'warn', WEFT_LOG_FORMAT: 'json' };
    const all = [...nodeFlags(), this.#bundle, '--state-dir', this.stateDir, ...args];
    return start(core, process.execPath, all, outputFile === undefined ? { env } : { env, outputFile });
  }
}

/** An application that says where the service `backend` is for it, and then does nothing. */
export const HOLDER = [
  'taskset',
  '-c',
  String(LOAD_CORE),
  'sh',
  '-c',
  'echo "backend at $BACKEND_SERVICE_HOST:$BACKEND_SERVICE_PORT;"; exec sleep 3600',
] as const;

/** What the holder said: `127.3.4.1:20000`. */
export function vipOf(holder: Started): Promise<string> {
  return until('the address of the service', 20_000, () => {
    if (holder.child.exitCode !== null) throw new Error(`weft run ended: ${holder.output()}`);
    return /backend at ([\d.]+:\d+);/.exec(holder.output())?.[1] ?? null;
  });
}

/** For profiles: WEFT_BENCH_NODE_FLAGS='--cpu-prof --cpu-prof-dir=/tmp/profiles'. */
function nodeFlags(): readonly string[] {
  return (process.env['WEFT_BENCH_NODE_FLAGS'] ?? '').split(' ').filter((flag) => flag !== '');
}
