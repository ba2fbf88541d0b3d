/**
 * What requests need and is not there yet: virtual hosts and clusters that were asked for because somebody called them.
 * It knows who waits for what and what is still used; whoever talks to the control plane asks for the names.
 */
import { Limit } from '../../core/limit.ts';
import { CallbackTimer, Timer, type Timers } from '../../core/timer-wheel.ts';

export interface DemandWaiter {
  /** What was waited for is there, or will not be: the waiter looks again, once. */
  demandSettled(): void;
}

export const DEMAND = {
  /** `demandSettled` follows. */
  waits: 0,
  /** The control plane has said that there is none. */
  gone: 1,
  /** Somebody has waited for it in vain, and it has not come since: nobody waits again. */
  late: 2,
  /** Too much is waited for. */
  refused: 3,
} as const;

type Demand = (typeof DEMAND)[keyof typeof DEMAND];

/** How a name stands now; null: it has neither come nor is it known to be missing. */
export type Standing = 'here' | 'gone' | null;

export type Look = (kind: DemandKind, name: string) => Standing;

export type DemandKind = 'host' | 'cluster';

/** Who asks the control plane. */
interface Asker {
  /** The names have changed. */
  changed(): void;
  /** Whether somebody has used it since it was asked last. */
  takeUsed(kind: DemandKind, name: string): boolean;
}

const MAX_WAITING = 2_000;
const MAX_NAMES = 4_000;
/** What nobody uses from one look to the next is let go: after one to two of these. */
const LOOK_MS = 2_700_000;

/** What may be of the mesh goes nowhere else meanwhile: it would go in clear. */
const LATE =
  'it was never called from here before, and the control plane does not answer; it is reached then if `weft run --uses` ' +
  'names it, or, when it is outside the mesh, NO_PROXY';

export class OnDemand {
  /** Requests and connections that wait. */
  readonly waiting = new Limit('on_demand.waiting', MAX_WAITING);
  /** Names that are asked for, those that have come among them. */
  readonly names = new Limit('on_demand.names', MAX_NAMES);
  readonly #timers: Timers;
  readonly #wanted: Readonly<Record<DemandKind, Map<string, Wanted>>> = { host: new Map(), cluster: new Map() };
  readonly #lookTimer = new CallbackTimer(() => this.#letGo());
  #asker: Asker | null = null;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Until then nothing is asked for, and all is gone. */
  attach(asker: Asker): void {
    this.#asker = asker;
  }

  has(kind: DemandKind, name: string): boolean {
    return this.#wanted[kind].has(name);
  }

  namesOf(kind: DemandKind): Iterable<string> {
    return this.#wanted[kind].keys();
  }

  /** As if somebody had asked for them: they were used in an earlier run. */
  remember(kind: DemandKind, names: Iterable<string>): void {
    for (const name of names) if (!this.#wanted[kind].has(name)) this.#add(kind, name);
  }

  /** Waits `waitMs` at most. */
  ask(kind: DemandKind, name: string, waitMs: number, waiter: DemandWaiter): Demand {
    if (this.#asker === null) return DEMAND.gone;
    const known = this.#wanted[kind].get(name);
    if (known !== undefined) return this.#wait(known, waiter);
    const added = this.#add(kind, name);
    if (added === null) return DEMAND.refused;
    const demand = this.#wait(added, waiter);
    this.#timers.arm(added, waitMs);
    this.#asker.changed();
    return demand;
  }

  /** After each change of what there is. */
  settle(look: Look): void {
    for (const kind of ['host', 'cluster'] as const) {
      for (const [name, wanted] of this.#wanted[kind]) {
        const standing = look(kind, name);
        if (standing !== null) this.#end(wanted, standing);
        else if (wanted.state === 'here' || wanted.state === 'gone') wanted.state = 'late';
      }
    }
  }

  /** These need not be asked for any more: everything comes. */
  forget(kind: DemandKind, names: Iterable<string>): void {
    for (const name of [...names]) {
      const wanted = this.#wanted[kind].get(name);
      if (wanted !== undefined) this.#drop(kind, name, wanted);
    }
  }

  /** Why it is not there, one clause; null: because there is none. */
  why(kind: DemandKind, name: string): string | null {
    const state = this.#wanted[kind].get(name)?.state ?? 'gone';
    if (state === 'gone') return this.names.used < this.names.max ? null : 'too much is asked for';
    return state === 'late' ? LATE : 'too many wait for such';
  }

  close(): void {
    this.#timers.disarm(this.#lookTimer);
    for (const kind of ['host', 'cluster'] as const) this.forget(kind, this.namesOf(kind));
  }

  #add(kind: DemandKind, name: string): Wanted | null {
    if (!this.names.take()) return null;
    const wanted = new Wanted((late) => this.#end(late, 'late'));
    this.#wanted[kind].set(name, wanted);
    if (!this.#lookTimer.armed) this.#timers.arm(this.#lookTimer, LOOK_MS);
    return wanted;
  }

  #wait(wanted: Wanted, waiter: DemandWaiter): Demand {
    wanted.isUsed = true;
    if (wanted.state === 'gone') return DEMAND.gone;
    if (wanted.state === 'late') return DEMAND.late;
    if (!this.waiting.take()) return DEMAND.refused;
    wanted.waiters.push(waiter);
    // It came after the waiter had looked.
    if (wanted.state === 'here') this.#end(wanted, 'here');
    return DEMAND.waits;
  }

  #end(wanted: Wanted, state: Wanted['state']): void {
    wanted.state = state;
    this.#timers.disarm(wanted);
    if (wanted.waiters.length === 0) return;
    const { waiters } = wanted;
    wanted.waiters = [];
    this.waiting.give(waiters.length);
    // Not within the change that brought it: what a waiter does next is no part of that.
    void Promise.resolve().then(() => {
      for (const waiter of waiters) waiter.demandSettled();
    });
  }

  #letGo(): void {
    const before = this.names.used;
    for (const kind of ['host', 'cluster'] as const) {
      for (const [name, wanted] of this.#wanted[kind]) {
        const isUsed = this.#asker?.takeUsed(kind, name) === true || wanted.isUsed || wanted.waiters.length > 0;
        wanted.isUsed = false;
        if (!isUsed) this.#drop(kind, name, wanted);
      }
    }
    if (this.names.used > 0) this.#timers.arm(this.#lookTimer, LOOK_MS);
    if (this.names.used < before) this.#asker?.changed();
  }

  #drop(kind: DemandKind, name: string, wanted: Wanted): void {
    this.#wanted[kind].delete(name);
    this.names.give();
    this.#end(wanted, 'gone');
  }
}

/** One name. Its timer is the patience of those who wait for it. */
class Wanted extends Timer {
  state: 'asked' | 'here' | 'gone' | 'late' = 'asked';
  waiters: DemandWaiter[] = [];
  /** Somebody has asked since the last look. */
  isUsed = true;
  readonly #onLate: (wanted: Wanted) => void;

  constructor(onLate: (wanted: Wanted) => void) {
    super();
    this.#onLate = onLate;
  }

  override fire(): void {
    if (this.state === 'asked') this.#onLate(this);
  }
}
