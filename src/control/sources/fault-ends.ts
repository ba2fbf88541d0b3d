/**
 * Watches the clock for FaultInjections: when one's `until` has passed, an object in the index says so, and generation leaves
 * the policy out. Nobody has to do anything, and a restart finds what has ended meanwhile.
 */
import { keyOf } from '../../api/resource.ts';
import type { Batch, Change } from '../../api/source.ts';
import type { Clock } from '../../core/runtime.ts';
import { endedFault } from '../../policies/fault-injection/ended.ts';
import { type FaultInjection, KIND } from '../../policies/fault-injection/kind.ts';

/** However far the next end is: the wall clock may be set meanwhile. */
const MAX_WAIT_MS = 60_000;

interface Ending {
  readonly policy: FaultInjection;
  readonly untilMs: number;
}

export class FaultEnds {
  readonly #views: { apply(batch: Batch): void };
  readonly #clock: Clock;
  /** Those that have not ended, by namespace and name. */
  readonly #ahead = new Map<string, Ending>();
  #cancel: () => void = () => {};

  /** `views`: what feeds the index. */
  constructor(views: { apply(batch: Batch): void }, clock: Clock) {
    this.#views = views;
    this.#clock = clock;
  }

  /** A batch that is in the index by now. */
  observe({ changes, replace }: Batch): void {
    if (replace) this.#ahead.clear();
    else if (!changes.some(({ key }) => key.kind === KIND)) return;
    for (const { key, value } of changes) {
      if (key.kind !== KIND) continue;
      const name = `${key.namespace}/${key.name}`;
      this.#ahead.delete(name);
      const policy = value as FaultInjection | null;
      const untilMs = Date.parse(policy?.spec?.until ?? '');
      if (policy !== null && !Number.isNaN(untilMs)) this.#ahead.set(name, { policy, untilMs });
    }
    this.#look();
  }

  close(): void {
    this.#ahead.clear();
    this.#cancel();
  }

  #look(): void {
    this.#cancel();
    const now = this.#clock.wall();
    const ended: Change[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (const [name, { policy, untilMs }] of this.#ahead) {
      if (untilMs > now) {
        next = Math.min(next, untilMs);
        continue;
      }
      this.#ahead.delete(name);
      const value = endedFault(policy);
      ended.push({ key: keyOf(value), value });
    }
    if (next < Number.POSITIVE_INFINITY) {
      const waitMs = Math.min(next - now, MAX_WAIT_MS);
      this.#cancel = this.#clock.wake(this.#clock.now() + waitMs, () => this.#look());
    }
    if (ended.length > 0) this.#views.apply({ cursor: '', replace: false, changes: ended });
  }
}
