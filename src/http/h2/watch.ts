/**
 * The clocks of one connection: whatever a peer can leave undone (settings, a head, a window, an answer to a PING, the
 * rest of a request) has an alarm here, armed only while there is something to wait for.
 */
import type { Timers } from '../../core/timer-wheel.ts';
import { ALARM, Alarm, type AlarmKind, type AlarmOwner } from './alarm.ts';

export class Watch {
  readonly #owner: AlarmOwner;
  readonly #timers: Timers;
  /** By kind; made when first armed. */
  readonly #alarms: (Alarm | null)[] = Object.values(ALARM).map(() => null);

  constructor(owner: AlarmOwner, timers: Timers) {
    this.#owner = owner;
    this.#timers = timers;
  }

  armed(kind: AlarmKind): boolean {
    return this.#alarms[kind]?.armed === true;
  }

  /** Again: moves it. 0 ms: never fires. */
  arm(kind: AlarmKind, delayMs: number): void {
    if (delayMs <= 0) return this.disarm(kind);
    let alarm = this.#alarms[kind] ?? null;
    if (alarm === null) {
      alarm = new Alarm(this.#owner, kind);
      this.#alarms[kind] = alarm;
    }
    this.#timers.arm(alarm, delayMs);
  }

  disarm(kind: AlarmKind): void {
    const alarm = this.#alarms[kind] ?? null;
    if (alarm !== null) this.#timers.disarm(alarm);
  }

  disarmAll(): void {
    for (const alarm of this.#alarms) if (alarm !== null) this.#timers.disarm(alarm);
  }
}
