/** Leases end when they are not renewed, have grace after a restart, and are forgotten after ten minutes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Clock } from '../../core/runtime.ts';
import { TimerWheel } from '../../core/timer-wheel.ts';
import { silentLog } from '../../core/log.ts';
import { Leases } from './leases.ts';
import { Newcomers } from './newcomers.ts';
import { LEASED_ANNOTATION } from './workload-records.ts';

class ManualClock implements Clock {
  #now = 0;
  #alarms: { at: number; run: () => void }[] = [];
  now = () => this.#now;
  wall = () => this.#now;
  wake(at: number, run: () => void): () => void {
    const alarm = { at, run };
    this.#alarms.push(alarm);
    return () => (this.#alarms = this.#alarms.filter((each) => each !== alarm));
  }
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = this.#alarms.filter((alarm) => alarm.at <= end).toSorted((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#alarms = this.#alarms.filter((alarm) => alarm !== next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = end;
  }
}

function setUp() {
  const clock = new ManualClock();
  const events: string[] = [];
  const leases = new Leases(clock, new TimerWheel(clock), {
    onExpired: (key) => events.push(`expired ${key.workload}`),
    onForgotten: (key) => events.push(`forgotten ${key.workload}`),
  });
  return { clock, events, leases };
}

const web = { namespace: 'shop', workload: 'web-1' };

test('a lease that is renewed does not end; one that is not ends once', () => {
  const { clock, events, leases } = setUp();
  leases.renew(web, 15_000);
  for (let i = 0; i < 10; i++) {
    clock.advance(5_000);
    leases.renew(web, 15_000);
  }
  assert.deepEqual(events, []);
  clock.advance(14_000);
  assert.deepEqual(events, []);
  clock.advance(3_000);
  assert.deepEqual(events, ['expired web-1']);
  clock.advance(60_000);
  assert.deepEqual(events, ['expired web-1']);
});

test('a workload stored before a restart has thirty seconds to renew', () => {
  const { clock, events, leases } = setUp();
  leases.expect(web);
  clock.advance(29_000);
  assert.deepEqual(events, []);
  clock.advance(3_000);
  assert.deepEqual(events, ['expired web-1']);
});

test('expecting a workload does not shorten or lengthen the lease that it holds', () => {
  const { clock, events, leases } = setUp();
  leases.renew(web, 10_000);
  leases.expect(web);
  clock.advance(12_000);
  assert.deepEqual(events, ['expired web-1']);
});

test('a workload that stays away is forgotten after ten minutes, one that returns is not', () => {
  const { clock, events, leases } = setUp();
  leases.renew(web, 10_000);
  leases.renew({ namespace: 'shop', workload: 'web-2' }, 10_000);
  clock.advance(60_000);
  leases.renew({ namespace: 'shop', workload: 'web-2' }, 3_600_000);
  clock.advance(600_000);
  assert.deepEqual(events, ['expired web-1', 'expired web-2', 'forgotten web-1']);
});

test('whoever was deleted while the history of the store was lost is nobody’s lease any more', () => {
  const { clock, events, leases } = setUp();
  const newcomers = new Newcomers(leases, { create: () => Promise.reject(new Error('not used')) }, silentLog);
  const record = (name: string) => {
    const metadata = { name, namespace: 'shop', annotations: { [LEASED_ANNOTATION]: 'true' } };
    return { key: { kind: 'Workload', namespace: 'shop', name }, value: { metadata, spec: { ports: [] } } as never };
  };
  newcomers.observe({ cursor: '1', replace: true, changes: [record('web-1'), record('web-2')] });
  leases.renew(web, 20_000);
  newcomers.observe({ cursor: '9', replace: true, changes: [record('web-2')] });
  clock.advance(700_000);
  assert.deepEqual(events, ['expired web-2', 'forgotten web-2']);
});
