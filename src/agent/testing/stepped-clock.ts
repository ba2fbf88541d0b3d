/** A clock that tests move by hand; promises that its alarms resolve run before it moves on. */
import type { Clock } from '../../core/runtime.ts';

interface Alarm {
  readonly at: number;
  readonly run: () => void;
}

export class SteppedClock implements Clock {
  #time = 0;
  #offset: number;
  #alarms: Alarm[] = [];

  constructor(startWallMs = Date.parse('2026-11-21T12:00:00Z')) {
    this.#offset = startWallMs;
  }

  now(): number {
    return this.#time;
  }

  wall(): number {
    return this.#time + this.#offset;
  }

  wake(at: number, run: () => void): () => void {
    const alarm = { at, run };
    this.#alarms.push(alarm);
    return () => {
      this.#alarms = this.#alarms.filter((other) => other !== alarm);
    };
  }

  /** Passes `ms`, alarm by alarm. */
  async advance(ms: number): Promise<void> {
    const end = this.#time + ms;
    await settle();
    for (;;) {
      const next = this.#alarms.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      this.#alarms = this.#alarms.filter((other) => other !== next);
      this.#time = Math.max(this.#time, next.at);
      next.run();
      await settle();
    }
    this.#time = end;
  }
}

/** Lets everything that is resolved already run. */
export function settle(): Promise<void> {
  return new Promise((resolve) => void setImmediate(() => setImmediate(resolve)));
}
