/** Simulated proxies in a few processes on the load's core, as one. */
import { join } from 'node:path';
import { type Started, start, until, within } from '../children.ts';
import { LOAD_CORE } from '../cores.ts';
import type { Answer, Expected, Fleet as FleetOptions, Question, Seen } from './fleet-messages.ts';
import { memberAt, memberName, usesOf } from './mesh-objects.ts';
import { monotonicMs } from './monotonic.ts';

const PROGRAM = join(import.meta.dirname, 'fleet-process.ts');
/** Proxies of one process. */
const PER_PROCESS = 1_250;
const MAKE_MS = 60_000;
const ASK_MS = 10_000;

interface Part {
  readonly started: Started;
  readonly first: number;
  readonly count: number;
}

export class Fleet {
  readonly #options: FleetOptions;
  readonly #parts: Part[] = [];
  readonly #answers: ((answer: Answer) => void)[] = [];
  #synced = 0;
  #lastSyncedMs = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  /** Processes with all their proxies, which have not connected. */
  async make(): Promise<void> {
    const { first, count } = this.#options;
    for (let at = first; at < first + count; at += PER_PROCESS) {
      const part = { first: at, count: Math.min(PER_PROCESS, first + count - at) };
      const started = start(LOAD_CORE, process.execPath, ['--max-semi-space-size=32', PROGRAM], { ipc: true });
      started.child.on('message', (answer: Answer) => this.#hear(answer));
      this.#parts.push({ started, ...part });
    }
    const made = this.#gather('made', MAKE_MS);
    for (const { started, first: from, count: size } of this.#parts) {
      ask(started, { ask: 'make', fleet: { ...this.#options, first: from, count: size } });
    }
    await made;
  }

  /** Lets proxies connect for the first time; resolves to the milliseconds until all of them are synced. */
  async connect(limitMs: number): Promise<number> {
    const startedAt = monotonicMs();
    this.expectSync();
    for (const { started, count } of this.#parts) ask(started, { ask: 'connect', from: 0, to: count });
    return (await this.synced(limitMs)) - startedAt;
  }

  /** From now on every proxy is waited for again. */
  expectSync(): void {
    this.#synced = 0;
  }

  /** Resolves to the time at which the last one was synced. */
  async synced(limitMs: number): Promise<number> {
    const { count } = this.#options;
    await until(`${count} proxies are synced`, limitMs, () => (this.#synced >= count ? true : this.#checkAlive()));
    return this.#lastSyncedMs;
  }

  /** Resolves to the time when all users of `service` have it; make the change after the call. */
  expect(expected: Expected, service: number, limitMs: number): Promise<number> {
    const taken = this.#gather('taken', limitMs);
    for (const { started, first, count } of this.#parts) {
      ask(started, { ask: 'expect', expected, by: this.#users(service, first, count) });
    }
    return taken.then((answers) => Math.max(...answers.map(({ atMs }) => atMs)));
  }

  /** How many of the proxies use it. */
  countUsers(service: number): number {
    return this.#parts.reduce((sum, { first, count }) => sum + this.#users(service, first, count).length, 0);
  }

  noteStamps(prefix: string): void {
    for (const { started } of this.#parts) ask(started, { ask: 'stamps', prefix });
  }

  /** What was noted since `noteStamps`, of all processes together. */
  async stamps(): Promise<ReadonlyMap<string, Seen>> {
    const said = this.#gather('stamps', ASK_MS);
    this.noteStamps('');
    const all = new Map<string, Seen>();
    for (const { stamp, lastMs, count } of (await said).flatMap(({ seen }) => seen)) {
      const other = all.get(stamp) ?? { stamp, lastMs: 0, count: 0 };
      all.set(stamp, { stamp, lastMs: Math.max(lastMs, other.lastMs), count: count + other.count });
    }
    return all;
  }

  /** Of messages that came, since the beginning. */
  async receivedBytes(): Promise<number> {
    const said = this.#gather('bytes', ASK_MS);
    for (const { started } of this.#parts) ask(started, { ask: 'bytes' });
    return (await said).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  async close(): Promise<void> {
    for (const { started } of this.#parts) if (started.child.connected) ask(started, { ask: 'close' });
    await Promise.all(this.#parts.map(({ started }) => started.stop()));
  }

  /** One answer of this kind from each process. */
  #gather<S extends Answer['say']>(say: S, limitMs: number): Promise<Extract<Answer, { say: S }>[]> {
    const answers: Extract<Answer, { say: S }>[] = [];
    const { promise, resolve } = Promise.withResolvers<typeof answers>();
    const hear = (answer: Answer): void => {
      if (answer.say !== say) return;
      // Safe: the union is told apart by `say`.
      answers.push(answer as Extract<Answer, { say: S }>);
      if (answers.length < this.#parts.length) return;
      this.#answers.splice(this.#answers.indexOf(hear), 1);
      resolve(answers);
    };
    this.#answers.push(hear);
    return within(limitMs, `every process of proxies says: ${say}`, promise);
  }

  #hear(answer: Answer): void {
    if (answer.say === 'synced') {
      this.#synced++;
      this.#lastSyncedMs = Math.max(this.#lastSyncedMs, answer.atMs);
    }
    for (const hear of [...this.#answers]) hear(answer);
  }

  #users(service: number, first: number, count: number): string[] {
    const { services } = this.#options;
    const users: string[] = [];
    for (let index = first; index < first + count; index++) {
      const member = memberAt(index, services);
      if (usesOf(member.service, services).includes(service)) users.push(memberName(member));
    }
    return users;
  }

  #checkAlive(): null {
    const dead = this.#parts.find(({ started }) => started.child.exitCode !== null);
    if (dead !== undefined) throw new Error(`a process of proxies ended: ${dead.started.output().slice(-2000)}`);
    return null;
  }
}

function ask({ child }: Started, question: Question): void {
  child.send(question);
}
