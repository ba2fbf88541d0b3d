/** Whoever is kept from the core, or waits for somebody else, is not overloaded. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Admission } from './admission.ts';
import { Lateness, SAMPLE_MS } from './lateness.ts';

test('lateness counts what the thread worked, not what it waited for the core', () => {
  const lateness = new Lateness();
  lateness.begin(0, 0);
  assert.equal(lateness.sample(25, 25), 0, 'on time');
  assert.equal(lateness.sample(1_025, 30), 5, 'a second without the core');
  assert.equal(lateness.sample(1_255, 260), 200, 'a turn of 230 ms');
  assert.equal(lateness.sample(1_455, 360), 100, "half the core was somebody else's");
});

/** For `forMs` the core is somebody else's; then it is ours for `thenMs`. */
interface Theft {
  readonly forMs: number;
  readonly thenMs: number;
}

/**
 * A loop that carries `load` of a core, on a core that is taken away: requests that came meanwhile are all begun in the
 * next turn, and each is in flight for as long as its upstream takes.
 */
function limitsUnder(load: number, upstreamMs: number, thefts: readonly Theft[]): number[] {
  const costMs = 0.1;
  const perMs = load / costMs;
  const admission = new Admission();
  const lateness = new Lateness();
  const limits: number[] = [];
  let now = 0;
  let cpuMs = 0;
  let owed = 0;
  let due = SAMPLE_MS;
  let theft = 0;
  let nextTheftAt = thefts[0]?.thenMs ?? Number.POSITIVE_INFINITY;
  lateness.begin(0, 0);
  const pass = (ms: number): void => {
    now += ms;
    owed += perMs * ms;
  };
  while (now < 20_000) {
    if (now >= nextTheftAt) {
      const { forMs, thenMs } = thefts[theft++ % thefts.length] as Theft; // there is one, or it would never be time
      pass(forMs);
      nextTheftAt = now + thenMs;
    }
    // Timers first, as libuv does.
    if (now >= due) {
      admission.sample(lateness.sample(now, cpuMs), Math.ceil(perMs * upstreamMs) + Math.ceil(owed), now);
      limits.push(admission.limit);
      due = now + SAMPLE_MS;
    }
    const workMs = Math.floor(owed) * costMs;
    owed -= Math.floor(owed);
    cpuMs += workMs;
    pass(Math.max(workMs, 1));
  }
  return limits;
}

test('a proxy with a moderate load refuses nobody: slow upstreams, a busy machine, both', () => {
  const theft = fc.record({
    forMs: fc.integer({ min: 1, max: 1_000 }),
    spare: fc.double({ min: 1, max: 4, noNaN: true }),
  });
  fc.assert(
    fc.property(
      fc.double({ min: 0.01, max: 0.5, noNaN: true }),
      fc.integer({ min: 1, max: 600_000 }),
      fc.array(theft, { maxLength: 8 }),
      (load, upstreamMs, stolen) => {
        // What is left of the core is half as much again as is needed, and more.
        const needed = (1.5 * load) / (1 - 1.5 * load);
        const thefts = stolen.map(({ forMs, spare }) => ({ forMs, thenMs: forMs * needed * spare }));
        for (const limit of limitsUnder(load, upstreamMs, thefts)) assert.equal(limit, Number.POSITIVE_INFINITY);
      },
    ),
    { numRuns: 300 },
  );
});

test('a core that is wanted by more than it can carry is limited, also when half of it is gone', () => {
  const half = [{ forMs: 10, thenMs: 20 }];
  for (const thefts of [[], half]) {
    const limits = limitsUnder(1.5, 1, thefts);
    assert.ok(limits.some((limit) => limit !== Number.POSITIVE_INFINITY));
  }
});

test('who was limited with much in flight that waits for others is let in again within a second and a half', () => {
  const admission = new Admission();
  const parked = 5_000;
  let now = 0;
  for (; now < 2_000; now += 100) admission.sample(100, parked + 500, now);
  assert.ok(admission.limit < 1_000);
  const from = now;
  while (!admission.admits(parked, now)) admission.sample(0, parked, (now += SAMPLE_MS));
  assert.ok(now - from < 1_500, `${now - from} ms`);
});
