/**
 * A whole world from a seed: virtual time, hosts with a Runtime each, a network with faults. Code under test runs as it
 * is; the same seed gives the same events, and `hash` says so.
 */
import { ChunkPool } from '../../core/chunk-pool.ts';
import { WeftError } from '../../core/errors.ts';
import { Turn } from '../../core/output.ts';
import type { Clock, Net, ResolvedAddress, ServingRuntime } from '../../core/runtime.ts';
import { EventQueue } from './event-queue.ts';
import { SimFiles } from './files.ts';
import type { LinkOptions } from './link.ts';
import type { Process } from './medium.ts';
import { SimNetwork } from './network.ts';
import { SeededRandom } from './random.ts';
import { createSimRpc } from './rpc.ts';
import { secureSimulated } from './secure.ts';

export interface SimulationOptions {
  readonly seed: number;
  /** What the wall clock says at the start, in ms since 1970. Default: 1 January 2026. */
  readonly wallStartMs?: number;
  /** Of all links that are not set by themselves. */
  readonly link?: LinkOptions;
}

export interface SimRuntime extends ServingRuntime {
  readonly files: SimFiles;
  /** Ends this process: peers see resets, its timers and handlers are silent. Its files stay. */
  kill(): void;
}

/** Turns that one event may cause before it is taken for an endless loop. */
const MAX_TURNS = 100_000;

export class Simulation {
  readonly network: SimNetwork;
  readonly random: SeededRandom;
  /** What every process of the world is told. */
  memoryShare = 0;
  readonly #events = new EventQueue();
  readonly #wallStartMs: number;
  readonly #disks = new Map<string, SimFiles>();
  readonly #turns: (() => void)[] = [];

  constructor(options: SimulationOptions) {
    this.random = new SeededRandom(options.seed);
    this.network = new SimNetwork(this.#events, this.random.fork());
    this.#wallStartMs = options.wallStartMs ?? Date.UTC(2026, 0, 1);
    if (options.link !== undefined) this.network.setDefaultLink(options.link);
  }

  /** Virtual milliseconds since the start. */
  get nowMs(): number {
    return this.#events.now;
  }

  get eventCount(): number {
    return this.#events.ran;
  }

  /** Equal for equal runs. */
  get hash(): string {
    return this.#events.hash;
  }

  /** A new process on the host of this address; one that is killed is replaced by calling this again. */
  start(host = '127.0.0.1'): SimRuntime {
    const turn = new Turn((run) => void this.#turns.push(run), throwIt);
    const process: Process = { host, context: { turn, chunks: new ChunkPool(), report: throwIt }, alive: true };
    const clock = this.#clockOf(process);
    const random = this.random.fork();
    const net = this.#netOf(process, clock, random);
    return {
      clock,
      random,
      net,
      rpc: createSimRpc(net, clock),
      files: this.#diskOf(host),
      endOfTurn: (run) => turn.after(run),
      memoryShare: () => this.memoryShare,
      cpuMs: () => this.#events.now,
      kill: () => this.network.kill(process),
    };
  }

  /** What `Net.resolve` answers; an empty list makes the name unknown. */
  setName(name: string, addresses: readonly string[]): void {
    this.network.names.set(name, addresses);
  }

  /** Runs an action of the world itself, `delayMs` from now. */
  after(delayMs: number, run: () => void): void {
    this.#events.after(delayMs, run);
  }

  /**
   * Runs until `done` says so, no event is left, or `limitMs` of virtual time have passed; says whether `done` was
   * reached. Promises that the code under test awaits are settled between events.
   */
  async run(done: () => boolean = never, limitMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    const until = this.#events.now + limitMs;
    await settlePromises();
    this.#endTurns();
    while (!done()) {
      await settlePromises();
      this.#endTurns();
      if (done()) return true;
      if (this.#events.nextAt > until || !this.#events.step()) {
        this.#passTo(until);
        return done();
      }
      this.#endTurns();
    }
    return true;
  }

  /** The same for code without promises, ten times as fast. */
  runSync(done: () => boolean = never, limitMs = Number.POSITIVE_INFINITY): boolean {
    const until = this.#events.now + limitMs;
    this.#endTurns();
    while (!done()) {
      if (this.#events.nextAt > until || !this.#events.step()) {
        this.#passTo(until);
        return done();
      }
      this.#endTurns();
    }
    return true;
  }

  #passTo(until: number): void {
    if (until !== Number.POSITIVE_INFINITY) this.#events.now = Math.max(this.#events.now, until);
  }

  #endTurns(): void {
    for (let i = 0; this.#turns.length > 0; i++) {
      if (i > MAX_TURNS)
        throw new WeftError('internal', { what: 'A turn never ends: a handler keeps causing another' });
      this.#turns.shift()?.();
    }
  }

  #clockOf(process: Process): Clock {
    const events = this.#events;
    return {
      now: () => events.now,
      wall: () => this.#wallStartMs + events.now,
      wake: (at, run) =>
        events.after(at - events.now, () => {
          if (process.alive) run();
        }),
    };
  }

  #netOf(process: Process, clock: Clock, random: SeededRandom): Net {
    return {
      listen: async (at, accept) => this.network.listen(process, at, accept),
      connect: (to, handler, how) => this.network.connect(process, to, handler, how),
      secure: (connection, tls, handler) => secureSimulated(connection, tls, handler, clock, random),
      originalDestinations: this.network.redirects,
      resolve: async (name) => this.#resolve(name),
      bindDatagram: async (at, onDatagram) => this.network.bindDatagram(process, at, onDatagram),
    };
  }

  #resolve(name: string): readonly ResolvedAddress[] {
    if (/^[0-9.]+$/.test(name)) return [{ host: name, family: 4 }];
    if (name.includes(':')) return [{ host: name, family: 6 }];
    const addresses = name === 'localhost' ? ['127.0.0.1'] : (this.network.names.get(name) ?? []);
    if (addresses.length === 0) throw new WeftError('name-not-found', { what: 'Cannot resolve the name', where: name });
    return addresses.map((host) => ({ host, family: host.includes(':') ? 6 : 4 }));
  }

  #diskOf(host: string): SimFiles {
    let disk = this.#disks.get(host);
    if (disk === undefined) {
      disk = new SimFiles();
      this.#disks.set(host, disk);
    }
    return disk;
  }
}

function never(): boolean {
  return false;
}

/** A macrotask of the real loop: by then every promise that can settle has settled. */
function settlePromises(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function throwIt(error: unknown): never {
  throw error;
}
