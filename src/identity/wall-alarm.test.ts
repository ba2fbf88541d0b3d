import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Clock } from '../core/runtime.ts';
import { wakeAtWall } from './wall-alarm.ts';

/** A clock whose wall can be set apart from its monotonic time. */
class SetClock implements Clock {
  time = 0;
  offset = 1_000_000;
  #alarms: { at: number; run: () => void }[] = [];

  now(): number {
    return this.time;
  }

  wall(): number {
    return this.time + this.offset;
  }

  wake(at: number, run: () => void): () => void {
    const alarm = { at, run };
    this.#alarms.push(alarm);
    return () => {
      this.#alarms = this.#alarms.filter((other) => other !== alarm);
    };
  }

  advance(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const next = this.#alarms.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      this.#alarms = this.#alarms.filter((other) => other !== next);
      this.time = Math.max(this.time, next.at);
      next.run();
    }
    this.time = end;
  }

  get pending(): number {
    return this.#alarms.length;
  }
}

describe('wall alarm', () => {
  it('rings once, at its wall-clock time and not before', () => {
    const clock = new SetClock();
    let rung = 0;
    wakeAtWall(clock, clock.wall() + 12 * 3_600_000, () => (rung += 1));
    clock.advance(12 * 3_600_000 - 1);
    assert.equal(rung, 0);
    clock.advance(1);
    assert.equal(rung, 1);
    clock.advance(24 * 3_600_000);
    assert.equal(rung, 1);
  });

  it('rings within a minute when the clock jumps ahead, as after a suspended machine', () => {
    const clock = new SetClock();
    let rung = 0;
    wakeAtWall(clock, clock.wall() + 12 * 3_600_000, () => (rung += 1));
    clock.offset += 13 * 3_600_000;
    clock.advance(60_000);
    assert.equal(rung, 1);
  });

  it('waits longer when the clock is set back', () => {
    const clock = new SetClock();
    let rung = 0;
    wakeAtWall(clock, clock.wall() + 30_000, () => (rung += 1));
    clock.offset -= 600_000;
    clock.advance(120_000);
    assert.equal(rung, 0);
    clock.advance(520_000);
    assert.equal(rung, 1);
  });

  it('never rings when it is cancelled, naps later too', () => {
    const clock = new SetClock();
    const cancel = wakeAtWall(clock, clock.wall() + 600_000, () => assert.fail('rang'));
    clock.advance(300_000);
    cancel();
    cancel();
    assert.equal(clock.pending, 0);
    clock.advance(600_000);
  });
});
