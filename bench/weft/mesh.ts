/** A real mesh for a benchmark: `weft up` and `weft run` from a bundle, in a state directory of their own. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Traffic } from '../proxies.ts';
import { LOAD_CORE } from '../cores.ts';
import { type Started, start, until, within } from '../children.ts';

const PROFILER = join(import.meta.dirname, 'profiler.ts');

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
  readonly #nodeFlags: readonly string[];
  readonly #profileTo: string | null;

  /** `profileTo`: a folder for the sidecars' profiles, or null. */
  constructor(folder: string, bundle: string, nodeFlags: readonly string[] = [], profileTo: string | null = null) {
    this.folder = folder;
    this.#profileTo = profileTo;
    this.#bundle = bundle;
    this.#nodeFlags = nodeFlags;
    this.stateDir = join(folder, 'state');
    mkdirSync(this.stateDir, { recursive: true, mode: 0o700 });
  }

  /** Resolves when it says that it runs: on free ports at first, where it was when it is started again. */
  async startControlPlane(core: number = LOAD_CORE): Promise<Started> {
    const anywhere = ['--listen', '127.0.0.1:0', '--xds-listen', '127.0.0.1:0'];
    const known = existsSync(join(this.stateDir, 'admin.json'));
    const started = this.#weft(core, ['-o', 'json', 'up', ...(known ? [] : anywhere)]);
    await until('a control plane that runs', 15_000, () => {
      if (started.child.exitCode !== null) throw new Error(`weft up ended: ${started.output()}`);
      return started.output().includes('"server"') ? true : null;
    });
    return started;
  }

  /** The first sidecar of a build on a machine compiles it and keeps that for all that follow, which are measured. */
  async warmUp(): Promise<void> {
    const first = this.run({ core: LOAD_CORE, service: 'first', flags: [], command: ['sleep', '3'] });
    await within(30_000, 'a first sidecar', new Promise((done) => first.child.once('exit', done)));
  }

  /** One more sidecar, with its application. */
  run({ core, service, flags, command, outputFile }: WorkloadOptions): Started {
    const args = ['run', '--service', service, ...flags, '--', ...command];
    return this.#weft(core, args, outputFile);
  }

  apply(yaml: string): void {
    const file = join(this.folder, 'apply.yaml');
    writeFileSync(file, yaml);
    this.#ask('apply', '-f', file);
  }

  /** Resolves when an instance of the service takes traffic. */
  async ready(service: string, started: Started): Promise<void> {
    await until(`${service} takes traffic`, 20_000, () => {
      if (started.child.exitCode !== null) throw new Error(`weft run ended: ${started.output()}`);
      return new RegExp(`^${service}-.*\\byes\\b`, 'm').test(this.#ask('get', 'workloads')) ? true : null;
    });
  }

  #ask(...args: readonly string[]): string {
    return execFileSync(process.execPath, [this.#bundle, '--state-dir', this.stateDir, ...args], {
      encoding: 'utf8',
      timeout: 20_000,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  }

  #weft(core: number, args: readonly string[], outputFile?: string): Started {
    const profiled = this.#profileTo === null ? {} : { WEFT_BENCH_PROFILE: this.#profileTo };
    // As the wrapper `weft` sets it.
    const wrapped = { MALLOC_ARENA_MAX: '1', WEFT_MALLOC_ARENA_MAX: '' };
    const env = { ...process.env, ...wrapped, WEFT_LOG_LEVEL: 'warn', WEFT_LOG_FORMAT: 'json', ...profiled };
    const preload = this.#profileTo === null ? [] : ['--import', PROFILER];
    const all = [...preload, ...this.#nodeFlags, this.#bundle, '--state-dir', this.stateDir, ...args];
    return start(core, process.execPath, all, outputFile === undefined ? { env } : { env, outputFile });
  }
}

/** An application that says where the services are for it, and then does nothing. */
export const HOLDER = [
  'taskset',
  '-c',
  String(LOAD_CORE),
  'sh',
  '-c',
  'env | grep _SERVICE_; echo "told;"; exec sleep 3600',
] as const;

/** Where the holder's sidecar takes each kind of traffic for a service: `127.3.4.1:20000`. */
export async function vipsOf(
  holder: Started,
  service: string,
  traffics: readonly Traffic[],
): Promise<Partial<Record<Traffic, string>>> {
  const text = await until('the addresses of the service', 20_000, () => {
    if (holder.child.exitCode !== null) throw new Error(`weft run ended: ${holder.output()}`);
    return holder.output().includes('told;') ? holder.output() : null;
  });
  const host = new RegExp(`^${service}_SERVICE_HOST=(\\S+)$`, 'm').exec(text)?.[1] ?? '';
  const found: Partial<Record<Traffic, string>> = {};
  for (const traffic of traffics) {
    const name = `${service}_SERVICE_PORT_${traffic.toUpperCase()}`;
    const port = new RegExp(`^${name}=(\\d+)$`, 'm').exec(text)?.[1];
    if (port !== undefined) found[traffic] = `${host}:${port}`;
  }
  return found;
}
