/** A timer that tells its connection which of its clocks has run out; one small object each, no closures. */
import { Timer } from '../../core/timer-wheel.ts';

export const ALARM = { settings: 0, idle: 1, keepAlive: 2, watch: 3, head: 4, drain: 5, linger: 6 } as const;
export type AlarmKind = (typeof ALARM)[keyof typeof ALARM];

export interface AlarmOwner {
  onAlarm(kind: AlarmKind): void;
}

export class Alarm extends Timer {
  readonly #owner: AlarmOwner;
  readonly #kind: AlarmKind;

  constructor(owner: AlarmOwner, kind: AlarmKind) {
    super();
    this.#owner = owner;
    this.#kind = kind;
  }

  override fire(): void {
    this.#owner.onAlarm(this.#kind);
  }
}
