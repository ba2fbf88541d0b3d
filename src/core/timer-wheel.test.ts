import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Clock } from './runtime.ts';
import { CallbackTimer, TimerWheel } from './timer-wheel.ts';

class FakeClock implements Clock {
  time: number;
  alarm: { at: number; run: () => void } | null = null;
  alarms = 0;

  constructor(start: number) {
    this.time = start;
  }

  now(): number {
    return this.time;
  }

  wall(): number {
    return this.time;
  }

  wake(at: number, run: () => void): () => void {
    assert.equal(this.alarm, null, 'a wheel holds one alarm');
    const alarm = { at, run };
    this.alarm = alarm;
    this.alarms++;
    return () => {
      if (this.alarm === alarm) this.alarm = null;
    };
  }

  advance(until: number): void {
    while (this.alarm !== null && this.alarm.at <= until) {
      const alarm = this.alarm;
      this.alarm = null;
      this.time = Math.max(this.time, alarm.at);
      alarm.run();
    }
    this.time = until;
  }
}

const delayMs = fc.oneof(
  fc.double({ min: -5, max: 50, noNaN: true }),
  fc.integer({ min: 0, max: 20_000 }),
  fc.integer({ min: 0, max: 10 * 86_400_000 }),
);

test('a timer fires once, never early and at most one tick late, whatever else is armed, moved and disarmed', () => {
  const step = fc.record({
    timer: fc.nat(19),
    action: fc.constantFrom('arm', 'arm', 'disarm'),
    delayMs,
    waitMs: fc.double({ min: 0, max: 500, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), fc.array(step, { maxLength: 60 }), (start, steps) => {
      const clock = new FakeClock(start);
      const wheel = new TimerWheel(clock);
      const due = new Map<number, number>();
      const timers = Array.from({ length: 20 }, (_, i) => {
        return new CallbackTimer(() => {
          const at = due.get(i);
          assert.ok(at !== undefined, 'fired without being armed');
          assert.ok(clock.time >= at - 1e-6, `early by ${at - clock.time}`);
          assert.ok(clock.time <= at + 10 + 1e-6, `late by ${clock.time - at}`);
          due.delete(i);
        });
      });
      for (const { timer, action, delayMs, waitMs } of steps) {
        const target = timers[timer] as CallbackTimer;
        if (action === 'arm') {
          wheel.arm(target, delayMs);
          // A delay below a tick means the next tick.
          due.set(timer, clock.time + Math.max(delayMs, 0));
        } else {
          wheel.disarm(target);
          due.delete(timer);
        }
        assert.equal(wheel.size, due.size);
        clock.advance(clock.time + waitMs);
      }
      clock.advance(clock.time + 11 * 86_400_000);
      assert.equal(due.size, 0, 'all fired');
      assert.equal(clock.alarm, null, 'an idle wheel sets no alarm');
    }),
    { numRuns: 400 },
  );
});

test('timers of one tick fire in the order of their arming', () => {
  const clock = new FakeClock(0);
  const wheel = new TimerWheel(clock);
  const fired: number[] = [];
  for (let i = 0; i < 5; i++) wheel.arm(new CallbackTimer(() => fired.push(i)), 50);
  clock.advance(100);
  assert.deepEqual(fired, [0, 1, 2, 3, 4]);
});

test('a timer may arm itself and disarm its neighbours while it fires', () => {
  const clock = new FakeClock(3);
  const wheel = new TimerWheel(clock);
  const fired: string[] = [];
  const neighbour = new CallbackTimer(() => fired.push('neighbour'));
  const again: CallbackTimer = new CallbackTimer(() => {
    fired.push('again');
    wheel.disarm(neighbour);
    if (fired.length < 3) wheel.arm(again, 0);
  });
  wheel.arm(again, 20);
  wheel.arm(neighbour, 20);
  clock.advance(200);
  assert.deepEqual(fired, ['again', 'again', 'again']);
});

test('a timer that throws does not take the others with it', () => {
  const clock = new FakeClock(0);
  const wheel = new TimerWheel(clock);
  let fired = 0;
  wheel.arm(
    new CallbackTimer(() => {
      throw new Error('boom');
    }),
    10,
  );
  wheel.arm(new CallbackTimer(() => fired++), 10);
  wheel.arm(new CallbackTimer(() => fired++), 1000);
  assert.throws(() => clock.advance(10), /boom/);
  clock.advance(2000);
  assert.equal(fired, 2);
});

test('arming and disarming a timer per request sets few alarms', () => {
  const clock = new FakeClock(0);
  const wheel = new TimerWheel(clock);
  const idle = new CallbackTimer(() => {});
  wheel.arm(idle, 60_000);
  const request = new CallbackTimer(() => {});
  for (let i = 0; i < 10_000; i++) {
    wheel.arm(request, 15_000);
    clock.advance(clock.time + 0.1);
    wheel.disarm(request);
  }
  assert.ok(clock.alarms < 40, `${clock.alarms} alarms`);
});

test('a clock that jumps far ahead fires all that is due, late but once', () => {
  const clock = new FakeClock(0);
  const wheel = new TimerWheel(clock);
  let fired = 0;
  for (let i = 0; i < 1000; i++) wheel.arm(new CallbackTimer(() => fired++), i * 977);
  clock.time = 86_400_000;
  const alarm = clock.alarm;
  clock.alarm = null;
  alarm?.run();
  assert.equal(fired, 1000);
});

test('delays beyond 124 days are shortened, not lost', () => {
  const clock = new FakeClock(0);
  const wheel = new TimerWheel(clock);
  let fired = false;
  wheel.arm(new CallbackTimer(() => (fired = true)), Number.MAX_SAFE_INTEGER);
  clock.advance(123 * 86_400_000);
  assert.equal(fired, false);
  clock.advance(125 * 86_400_000);
  assert.equal(fired, true);
});
