/**
 * What the proxy does when more comes than it can carry: says no early and cheaply, so that what it takes is finished.
 * Looks at the lateness of the event loop and at memory, only while there is something to look after. The admin endpoint
 * does not ask here: it always answers.
 */
import type { Counter, Gauge } from '../../core/counters.ts';
import { Limit } from '../../core/limit.ts';
import type { Runtime } from '../../core/runtime.ts';
import { Timer, type Timers } from '../../core/timer-wheel.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { Admission } from './admission.ts';
import { Lateness, SAMPLE_MS } from './lateness.ts';
import { MEMORY, type MemoryLevel, memoryLevel } from './memory-level.ts';
import { Pace } from './pace.ts';

const MEMORY_MS = 500;
/** Quiet samples after which nothing is looked at until something comes. */
const PATIENCE = 100;

/** Handshakes at once: a client that begins one and waits costs memory, one that finishes costs a millisecond of CPU. */
const MAX_HANDSHAKES = 4_096;
/** The same in a loop that is late. */
const MAX_HANDSHAKES_LATE = 64;

/** Why a request or a connection is refused. */
export type Reason = 'adaptive_concurrency' | 'memory';

export class Overload extends Timer {
  /** Of those whose requests are refused. */
  readonly pace = new Pace();
  readonly handshakes = new Limit('max_handshakes', MAX_HANDSHAKES);
  readonly #runtime: Runtime;
  readonly #timers: Timers;
  readonly #active: Gauge;
  readonly #admission = new Admission();
  readonly #lateness = new Lateness();
  readonly #refused: Readonly<Record<Reason, Counter>>;
  readonly #limitGauge: Gauge;
  readonly #lateGauge: Gauge;
  readonly #memoryGauge: Gauge;
  readonly #relieve: () => void;
  #memory: MemoryLevel = MEMORY.calm;
  #lastSample = 0;
  #lastMemory = Number.NEGATIVE_INFINITY;
  #isTouched = false;
  #quiet = 0;

  /** `relieve` is called every half second while memory is critical: it lets go of what it can. */
  constructor(runtime: Runtime, timers: Timers, telemetry: Telemetry, relieve: () => void) {
    super();
    this.#runtime = runtime;
    this.#timers = timers;
    this.#active = telemetry.active;
    this.#relieve = relieve;
    const { counters } = telemetry;
    const refused = (reason: Reason): Counter => counters.counter('weft_overload_refused_total', { reason });
    this.#refused = { adaptive_concurrency: refused('adaptive_concurrency'), memory: refused('memory') };
    this.#limitGauge = counters.gauge('weft_overload_concurrency_limit');
    this.#lateGauge = counters.gauge('weft_overload_loop_late_ms');
    this.#memoryGauge = counters.gauge('weft_overload_memory_share');
  }

  /** Requests in flight at most; null: unlimited. */
  get limit(): number | null {
    const { limit } = this.#admission;
    return limit === Number.POSITIVE_INFINITY ? null : limit;
  }

  /** Asked for each request, once. null: it may begin. */
  refusesRequest(): Reason | null {
    this.#touch();
    const reason = this.#reason();
    if (reason !== null) this.#refused[reason].add(1);
    return reason;
  }

  /** Asked for each connection, once. */
  refusesConnection(): boolean {
    this.#touch();
    if (this.#memory === MEMORY.calm) return false;
    this.#refused.memory.add(1);
    return true;
  }

  override fire(): void {
    const now = this.#runtime.clock.now();
    const lateMs = this.#lateness.sample(now, this.#runtime.cpuMs());
    this.#lastSample = now;
    this.#admission.sample(lateMs, this.#active.value, now);
    const { limit } = this.#admission;
    const isLate = limit !== Number.POSITIVE_INFINITY;
    this.handshakes.max = isLate ? MAX_HANDSHAKES_LATE : MAX_HANDSHAKES;
    this.#limitGauge.set(isLate ? limit : 0);
    this.#lateGauge.set(lateMs);
    this.#lookAtMemory(now);
    this.#quiet = this.#isTouched || isLate || this.#memory !== MEMORY.calm ? 0 : this.#quiet + 1;
    this.#isTouched = false;
    if (this.#quiet < PATIENCE) this.#timers.arm(this, SAMPLE_MS);
  }

  stop(): void {
    this.#timers.disarm(this);
  }

  #reason(): Reason | null {
    if (this.#memory === MEMORY.critical) return 'memory';
    return this.#admission.admits(this.#active.value, this.#lastSample) ? null : 'adaptive_concurrency';
  }

  #touch(): void {
    this.#isTouched = true;
    if (this.armed) return;
    this.#quiet = 0;
    this.#lastSample = this.#runtime.clock.now();
    this.#lateness.begin(this.#lastSample, this.#runtime.cpuMs());
    this.#admission.reset(this.#lastSample);
    this.#timers.arm(this, SAMPLE_MS);
  }

  #lookAtMemory(now: number): void {
    if (now - this.#lastMemory < MEMORY_MS) return;
    this.#lastMemory = now;
    const share = this.#runtime.memoryShare();
    this.#memoryGauge.set(share);
    this.#memory = memoryLevel(share, this.#memory);
    if (this.#memory === MEMORY.critical) this.#relieve();
  }
}
