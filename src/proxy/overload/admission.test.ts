import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Admission } from './admission.ts';
import { memoryLevel, MEMORY } from './memory-level.ts';
import { Pace } from './pace.ts';

/** CPU, ms: of a request that is carried, and of one that is refused. */
const CARRY_MS = 0.05;
const REFUSE_MS = 0.017;
const CAPACITY = 1_000 / CARRY_MS;

interface Run {
  /** Requests carried a second, each within a second of its arrival. */
  readonly goodput: number;
  /** The latest that a refusal came, ms after its request was sent. */
  readonly slowestRefusalMs: number;
  readonly endLimit: number;
}

/**
 * One core and its event loop: each turn looks at all that has come, refuses or begins, and answers what the turn before
 * began. `offered`: requests a second, on whichever of `connections` is free; who finds none goes away. A connection is
 * free again when its request is answered, or when the pace of a refusal is over.
 */
function simulate(offered: number, forMs: number, admission: Admission | null, connections: number): Run {
  const pace = new Pace();
  /** When each is over; the next one last. */
  const paused: number[] = [];
  let now = 0;
  let lastSample = 0;
  let free = connections;
  let owed = 0;
  let arrived = 0;
  let arrivedAt = 0;
  let active = 0;
  let activeSince = 0;
  let good = 0;
  let slowestRefusalMs = 0;
  while (now < forMs) {
    const begun = Math.min(arrived, Math.max(0, (admission?.limit ?? Number.POSITIVE_INFINITY) - active));
    const refused = arrived - begun;
    const busyMs = 0.05 + ((active + begun) * CARRY_MS) / 2 + refused * REFUSE_MS;
    const end = now + busyMs;
    if (end - activeSince < 1_000 && now > forMs / 3) good += active;
    free += active;
    active = begun;
    activeSince = arrivedAt;
    if (refused > 0) {
      slowestRefusalMs = Math.max(slowestRefusalMs, end - arrivedAt);
      admission?.admits(Number.POSITIVE_INFINITY, now);
    }
    for (let i = 0; i < begun; i++) admission?.admits(0, now);
    for (let i = 0; i < refused; i++) pace.enter();
    for (let i = 0; i < refused; i++) paused.push(end + pace.pauseMs);
    paused.sort((a, b) => b - a);
    for (let until = paused.at(-1); until !== undefined && until <= end; until = paused.at(-1)) {
      paused.pop();
      pace.leave(1);
      free++;
    }
    owed += (offered * busyMs) / 1_000;
    arrived = Math.min(Math.floor(owed), free);
    arrivedAt = now + busyMs / 2;
    free -= arrived;
    owed -= Math.floor(owed);
    now = end;
    if (now - lastSample < 20) continue;
    admission?.sample(Math.max(0, now - lastSample - 30), active, now);
    lastSample = now;
  }
  const endLimit = admission?.limit ?? Number.POSITIVE_INFINITY;
  return { goodput: (good * 1_000) / ((forMs * 2) / 3), slowestRefusalMs, endLimit };
}

test('at three times what the core can carry, nine tenths of its peak are carried, and refusals are quick', () => {
  const peak = simulate(CAPACITY * 0.98, 30_000, null, 20_000).goodput;
  assert.ok(simulate(CAPACITY * 3, 30_000, null, 60_000).goodput < 0.1 * peak, 'the simulation knows what overload is');
  for (const times of [1.5, 2, 3, 5]) {
    for (const connections of [500, 2_000, 8_000, 20_000]) {
      const { goodput, slowestRefusalMs } = simulate(CAPACITY * times, 30_000, new Admission(), connections);
      const what = `${times} times, ${connections} connections`;
      assert.ok(goodput >= 0.9 * peak, `${what}: ${Math.round(goodput)} of ${Math.round(peak)}`);
      assert.ok(slowestRefusalMs < 2_000, `${what}: a refusal took ${Math.round(slowestRefusalMs)} ms`);
    }
  }
});

test('a core that keeps up refuses nothing', () => {
  assert.equal(simulate(CAPACITY * 0.9, 20_000, new Admission(), 20_000).endLimit, Number.POSITIVE_INFINITY);
});

test('one long turn is not a queue: only an interval without a punctual sample limits', () => {
  const admission = new Admission();
  for (let now = 0; now < 10_000; now += 100) admission.sample(now % 200 === 0 ? 400 : 0, 1_000, now);
  assert.equal(admission.limit, Number.POSITIVE_INFINITY);
  for (let now = 10_000; now < 11_000; now += 100) admission.sample(400, 1_000, now);
  assert.ok(admission.limit < 1_000);
});

test('a limit grows while it refuses, stays while it does not bind, and goes when it has not for long', () => {
  const admission = new Admission();
  for (let now = 0; now < 2_000; now += 20) admission.sample(200, 1_000, now);
  const least = admission.limit;
  assert.ok(least >= 16 && least < 1_000);
  for (let now = 2_000; now < 3_000; now += 20) {
    assert.equal(admission.admits(admission.limit, now), false);
    admission.sample(0, least, now);
  }
  for (let now = 3_000; now < 3_200; now += 20) admission.sample(0, 10, now);
  const grown = admission.limit;
  assert.ok(grown > least * 10 && grown < least * 100, `${least} → ${grown}`);
  for (let now = 3_200; now < 12_900; now += 20) admission.sample(0, 10, now);
  assert.equal(admission.limit, grown);
  for (let now = 12_900; now < 13_500; now += 20) admission.sample(0, 10, now);
  assert.equal(admission.limit, Number.POSITIVE_INFINITY);
});

test('the more connections were refused, the longer each is not read from, within bounds', () => {
  const pace = new Pace();
  pace.enter();
  assert.equal(pace.pauseMs, 0.25);
  for (let i = 0; i < 9_999; i++) pace.enter();
  assert.equal(pace.pauseMs, 2_500, 'so many ask 4,000 times a second');
  for (let i = 0; i < 50_000; i++) pace.enter();
  assert.equal(pace.pauseMs, 5_000);
  pace.leave(60_000);
  assert.equal(pace.pauseMs, 0);
});

test('a memory level is left later than it is entered', () => {
  const through = [0.5, 0.86, 0.82, 0.79, 0.94, 0.9, 0.87, 0.82, 0.1];
  let level: ReturnType<typeof memoryLevel> = MEMORY.calm;
  const levels = through.map((share) => (level = memoryLevel(share, level)));
  assert.deepEqual(levels, [0, 1, 1, 0, 2, 2, 1, 1, 0]);
});
