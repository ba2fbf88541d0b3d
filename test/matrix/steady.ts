/** A caller at a steady, open rate: exchanges begin at their time whether or not earlier ones have ended. */
import type { Caller } from './callers.ts';

const LIMIT_MS = 20_000;

export class Steady {
  readonly name: string;
  readonly failures: string[] = [];
  readonly #caller: Caller;
  readonly #timer: NodeJS.Timeout;
  readonly #startedAt = performance.now();
  readonly #under = new Set<Promise<void>>();
  #instances = new Map<string, number>();
  answered = 0;

  /** Starts at once. */
  constructor(name: string, caller: Caller, perSecond: number) {
    this.name = name;
    this.#caller = caller;
    let sent = 0;
    this.#timer = setInterval(() => {
      for (; sent < ((performance.now() - this.#startedAt) * perSecond) / 1000; sent += 1) this.#begin(`w${sent}`);
    }, 1000 / perSecond);
  }

  get instances(): ReadonlyMap<string, number> {
    return this.#instances;
  }

  forgetInstances(): void {
    this.#instances = new Map();
  }

  /** Waits for what is under way. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#under);
    this.#caller.close();
  }

  #begin(word: string): void {
    const begunAt = performance.now();
    const late = new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error(`no answer within ${LIMIT_MS} ms`)), LIMIT_MS).unref();
    });
    const work = Promise.race([this.#caller.call(word), late]).then(
      (instance) => {
        this.answered += 1;
        this.#instances.set(instance, (this.#instances.get(instance) ?? 0) + 1);
      },
      (error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        const [at, took] = [begunAt - this.#startedAt, performance.now() - begunAt];
        this.failures.push(`at ${Math.round(at)} ms, for ${Math.round(took)} ms: ${reason}`);
      },
    );
    this.#under.add(work);
    void work.finally(() => this.#under.delete(work));
  }
}
