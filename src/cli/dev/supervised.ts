/** A workload that is started again when it ends, with longer and longer pauses while it keeps failing. */
import { aborted, sleepUnlessAborted } from '../until-signal.ts';
import { type Child, endText, startChild } from './child.ts';
import { freePort } from './free-port.ts';
import { launchOf, type LaunchPlace, type WorkloadPlan } from './plan.ts';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
/** After this long it counts as well, and the next end is a first one. */
const WELL_AFTER_MS = 10_000;
const GRACE_MS = 8_000;

export type Say = (source: string, line: string) => void;

export class Supervised {
  readonly plan: WorkloadPlan;
  restarts = 0;
  /** Ends by an error or a signal that nobody here sent. */
  crashes = 0;
  /** A command that serves nobody and ended with 0 is done, and is not started again. */
  finished = false;
  readonly #place: LaunchPlace;
  readonly #say: Say;
  readonly #stop = new AbortController();
  #child: Child | null = null;
  readonly #running: Promise<void>;

  constructor(plan: WorkloadPlan, place: LaunchPlace, say: Say) {
    this.plan = plan;
    this.#place = place;
    this.#say = say;
    this.#running = this.#run();
  }

  /** Of the sidecar's process; null between two runs. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const { name } = this.plan;
    let pauseMs = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      const startedAt = performance.now();
      const child = startChild(launchOf(this.plan, await this.#ports(), this.#place), (line) => this.#say(name, line));
      this.#child = child;
      await Promise.race([child.ended, aborted(signal)]);
      if (signal.aborted) {
        await child.end(GRACE_MS);
        this.#child = null;
        return;
      }
      const end = await child.ended;
      this.#child = null;
      if (end.code !== 0) this.crashes += 1;
      else if (this.plan.ports.length === 0) {
        this.finished = true;
        this.#say(name, 'ended with exit code 0: done');
        return;
      }
      this.restarts += 1;
      if (performance.now() - startedAt > WELL_AFTER_MS) pauseMs = FIRST_PAUSE_MS;
      this.#say(name, `ended with ${endText(end)}; it starts again in ${pauseMs / 1000} s`);
      await sleepUnlessAborted(pauseMs, signal);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }

  /** A port that another program has is replaced by a free one: the Service stays where it is. */
  async #ports(): Promise<number[]> {
    const ports: number[] = [];
    for (const { port } of this.plan.ports) {
      const found = await freePort(this.plan.anyPort ? 0 : port);
      if (found !== port && !this.plan.anyPort) {
        this.#say(this.plan.name, `port ${port} is taken: it gets ${found} in PORT`);
      }
      ports.push(found);
    }
    return ports;
  }
}
