/**
 * Timers by the hundred thousand on one alarm of the clock: a hierarchical wheel whose slots are intrusive lists, so
 * that arming and disarming a request's timeout allocates nothing. It stands in core because every plane waits.
 */
import type { Clock } from './runtime.ts';

const SLOT_BITS = 5;
const SLOTS = 1 << SLOT_BITS;
const SLOT_MASK = SLOTS - 1;
const LEVELS = 6;
/** A delay that is longer is shortened to this: 2^30 - 1 ticks, 124 days at the default resolution. */
const MAX_TICKS = 2 ** (SLOT_BITS * LEVELS) - 1;

export interface Timers {
  /**
   * Arms for `delayMs` from now; an armed timer is moved. Below one tick, zero and negative mean the next tick. `now`: for
   * those who have asked the clock.
   */
  arm(timer: Timer, delayMs: number, now?: number): void;
  /** Harmless when the timer is not armed. */
  disarm(timer: Timer): void;
}

/** What fires: subclass it and override `fire`. One timer belongs to one wheel at a time. */
export abstract class Timer {
  /** The wheel's; made when the timer is armed for the first time. */
  wheelNode: WheelNode | null = null;

  get armed(): boolean {
    return this.wheelNode !== null && this.wheelNode.slot !== null;
  }

  /** Called once per arming, no earlier than asked and at most one tick later; the timer may be armed again inside. */
  abstract fire(): void;
}

/** A timer that calls a function: for code where one closure per timer does not matter. */
export class CallbackTimer extends Timer {
  readonly #run: () => void;

  constructor(run: () => void) {
    super();
    this.#run = run;
  }

  override fire(): void {
    this.#run();
  }
}

/** Doubly linked, first in first out, so that timers of one tick fire in the order of their arming. */
interface WheelSlot {
  readonly level: number;
  readonly index: number;
  first: WheelNode | null;
  last: WheelNode | null;
}

/**
 * The place of a timer in the wheel. An object of its own and of one class: neighbours of a timer are timers of all
 * kinds, and to touch fields of objects of many shapes costs several times as much.
 */
class WheelNode {
  slot: WheelSlot | null = null;
  previous: WheelNode | null = null;
  next: WheelNode | null = null;
  /** When to fire, in ticks modulo 2^32: only its difference to the current tick means anything. */
  tick = 0;
  readonly timer: Timer;

  constructor(timer: Timer) {
    this.timer = timer;
  }
}

export class TimerWheel implements Timers {
  readonly resolutionMs: number;
  readonly #clock: Clock;
  readonly #origin: number;
  readonly #slots: WheelSlot[] = [];
  /** One bit a slot, one word a level: which slots hold timers. */
  readonly #occupied = new Int32Array(LEVELS);
  readonly #run = (): void => this.#onAlarm();
  #armedCount = 0;
  /** The last tick that was worked through, modulo 2^32. */
  #current = 0;
  /** The same, not wrapped: what the alarm's time is computed from. */
  #currentTicks = 0;
  #cancelAlarm: (() => void) | null = null;
  #alarmTicks = 0;
  #advancing = false;

  constructor(clock: Clock, resolutionMs = 10) {
    this.#clock = clock;
    this.resolutionMs = resolutionMs;
    this.#origin = clock.now();
    for (let level = 0; level < LEVELS; level++) {
      for (let index = 0; index < SLOTS; index++) this.#slots.push({ level, index, first: null, last: null });
    }
  }

  /** How many timers are armed. */
  get size(): number {
    return this.#armedCount;
  }

  arm(timer: Timer, delayMs: number, now = this.#clock.now()): void {
    const node = (timer.wheelNode ??= new WheelNode(timer));
    if (node.slot !== null) this.#unlink(node);
    const elapsedMs = now - this.#origin;
    if (this.#armedCount === 0 && !this.#advancing) this.#moveTo(Math.floor(elapsedMs / this.resolutionMs));
    const dueTicks = Math.ceil((elapsedMs + Math.max(0, delayMs)) / this.resolutionMs);
    const ticks = Math.min(Math.max(dueTicks - this.#currentTicks, 1), MAX_TICKS);
    node.tick = (this.#current + ticks) | 0;
    const eventTicks = this.#currentTicks + this.#place(node, ticks);
    if (!this.#advancing && (this.#cancelAlarm === null || eventTicks < this.#alarmTicks)) this.#setAlarm(eventTicks);
  }

  disarm(timer: Timer): void {
    const node = timer.wheelNode;
    if (node === null || node.slot === null) return;
    this.#unlink(node);
    // The alarm stays: one early look costs less than moving it for every request that ends in time.
    if (this.#armedCount === 0 && !this.#advancing) this.#dropAlarm();
  }

  /** Puts a timer in its slot and returns after how many ticks that slot must be looked at. */
  #place(node: WheelNode, ticks: number): number {
    let level = 0;
    while (level < LEVELS - 1 && ticks >= 1 << (SLOT_BITS * (level + 1))) level++;
    const shift = SLOT_BITS * level;
    const index = (node.tick >>> shift) & SLOT_MASK;
    // Safe: the constructor made LEVELS * SLOTS lists and both numbers are masked to that range.
    const list = this.#slots[level * SLOTS + index] as WheelSlot;
    node.slot = list;
    node.previous = list.last;
    node.next = null;
    if (list.last === null) list.first = node;
    else list.last.next = node;
    list.last = node;
    this.#occupied[level] = (this.#occupied[level] ?? 0) | (1 << index);
    this.#armedCount++;
    // The slot is looked at when the lower bits of its tick are zero.
    return level === 0 ? ticks : (((node.tick >>> shift) << shift) - this.#current) | 0;
  }

  #unlink(node: WheelNode): void {
    const list = node.slot;
    if (list === null) return;
    if (node.previous === null) list.first = node.next;
    else node.previous.next = node.next;
    if (node.next === null) list.last = node.previous;
    else node.next.previous = node.previous;
    node.slot = null;
    node.previous = null;
    node.next = null;
    if (list.first === null) this.#occupied[list.level] = (this.#occupied[list.level] ?? 0) & ~(1 << list.index);
    this.#armedCount--;
  }

  #onAlarm(): void {
    this.#cancelAlarm = null;
    const now = this.#clock.now();
    let nowTicks = Math.floor((now - this.#origin) / this.resolutionMs);
    // The division may round below the tick that the alarm was set for, and setting it again would never end.
    if (nowTicks < this.#alarmTicks && now >= this.#timeOf(this.#alarmTicks)) nowTicks = this.#alarmTicks;
    this.#advancing = true;
    try {
      while (this.#armedCount > 0) {
        const ahead = this.#ticksToNextEvent();
        if (this.#currentTicks + ahead > nowTicks) break;
        this.#moveTo(this.#currentTicks + ahead);
        this.#workThroughTick();
      }
    } finally {
      // Also after a throwing fire(): the other timers must not be lost with it.
      this.#advancing = false;
      if (this.#armedCount > 0) this.#setAlarm(this.#currentTicks + this.#ticksToNextEvent());
      else this.#dropAlarm();
    }
  }

  #workThroughTick(): void {
    for (let level = LEVELS - 1; level > 0; level--) {
      const shift = SLOT_BITS * level;
      if ((this.#current & ((1 << shift) - 1)) !== 0) continue;
      const list = this.#slots[level * SLOTS + ((this.#current >>> shift) & SLOT_MASK)] as WheelSlot;
      // Every timer here is due within this slot's span, so it moves to a lower level and the list empties.
      for (let node = list.first; node !== null; node = list.first) {
        this.#unlink(node);
        this.#place(node, (node.tick - this.#current) | 0);
      }
    }
    const due = this.#slots[this.#current & SLOT_MASK] as WheelSlot;
    for (let node = due.first; node !== null; node = due.first) {
      this.#unlink(node);
      node.timer.fire();
    }
  }

  /** At least 1. Called only when a timer is armed. */
  #ticksToNextEvent(): number {
    let nearest = MAX_TICKS;
    for (let level = 0; level < LEVELS; level++) {
      const bits = this.#occupied[level] ?? 0;
      if (bits === 0) continue;
      const shift = SLOT_BITS * level;
      const from = ((this.#current >>> shift) + 1) & SLOT_MASK;
      const rotated = (bits >>> from) | (from === 0 ? 0 : bits << (SLOTS - from));
      const slotsAhead = 1 + (31 - Math.clz32(rotated & -rotated));
      const ahead = slotsAhead * 2 ** shift - (this.#current & ((1 << shift) - 1));
      if (ahead < nearest) nearest = ahead;
    }
    return nearest;
  }

  #moveTo(ticks: number): void {
    this.#currentTicks = ticks;
    this.#current = ticks | 0;
  }

  #setAlarm(ticks: number): void {
    this.#dropAlarm();
    this.#alarmTicks = ticks;
    this.#cancelAlarm = this.#clock.wake(this.#timeOf(ticks), this.#run);
  }

  #timeOf(ticks: number): number {
    return this.#origin + ticks * this.resolutionMs;
  }

  #dropAlarm(): void {
    this.#cancelAlarm?.();
    this.#cancelAlarm = null;
  }
}
