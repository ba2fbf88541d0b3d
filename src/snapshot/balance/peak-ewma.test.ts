import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { latencyAt, observeLatency, pickLeastWait, waitsLess } from './pick-peak-ewma.ts';
import { facts, host, seeded } from './sample-hosts.ts';

const DECAY_MS = 10_000;

test('a peak counts at once, and is forgotten by 63 % in the time of the decay', () => {
  const latency = { ms: 30, at: 0 };
  observeLatency(latency, 1_000, 500, DECAY_MS);
  assert.equal(latency.ms, 1_000);
  assert.ok(Math.abs(latencyAt(latency, 500 + DECAY_MS, DECAY_MS) - 1_000 / Math.E) < 1e-9);
  observeLatency(latency, 10, 500 + DECAY_MS, DECAY_MS);
  assert.ok(Math.abs(latency.ms - (1_000 / Math.E + 10 * (1 - 1 / Math.E))) < 1e-9);
});

test('an estimate lies between what it was and what is measured, and is never below what was measured last', () => {
  const measured = fc.array(fc.tuple(fc.double({ min: 0.01, max: 1e5, noNaN: true }), fc.nat(60_000)), {
    maxLength: 30,
  });
  fc.assert(
    fc.property(measured, (samples) => {
      const latency = { ms: 30, at: 0 };
      let now = 0;
      for (const [ms, laterMs] of samples) {
        const before = latency.ms;
        now += laterMs;
        observeLatency(latency, ms, now, DECAY_MS);
        assert.ok(latency.ms >= Math.min(ms, before) - 1e-9 && latency.ms <= Math.max(ms, before) + 1e-9);
        assert.ok(latency.ms >= ms * (1 - 1e-12));
      }
    }),
  );
});

test('the host of less expected wait is the one of two, however long ago each was measured', () => {
  const now = 1_000_000;
  const measured = fc.record({
    ms: fc.double({ min: 0.001, max: 1e6, noNaN: true }),
    ageMs: fc.oneof(fc.double({ min: 0, max: 200, noNaN: true }), fc.double({ min: 0, max: 300_000, noNaN: true })),
    active: fc.nat(1_000),
    weight: fc.integer({ min: 1, max: 128 }),
  });
  const hostOf = ({ ms, ageMs, active, weight }: { ms: number; ageMs: number; active: number; weight: number }) =>
    host({ weight }, { active, latency: { ms, at: now - ageMs } });
  const waitOf = ({ latency, active, endpoint }: ReturnType<typeof hostOf>) =>
    (latencyAt(latency, now, DECAY_MS) * (active + 1)) / endpoint.weight;
  fc.assert(
    fc.property(measured, measured, (a, b) => {
      const [one, other] = [hostOf(a), hostOf(b)];
      const [mine, its] = [waitOf(one), waitOf(other)];
      if (Math.abs(mine - its) <= 1e-9 * Math.max(mine, its)) return;
      assert.equal(waitsLess(one, other, DECAY_MS), mine < its);
    }),
    { numRuns: 2_000 },
  );
});

test('a host of twice the latency gets about half as many requests as long as both are busy', () => {
  // Open loop on virtual time: 1,000 requests a second, 10 ms and 20 ms to answer.
  const hosts = [host({}, { latency: { ms: 30, at: 0 } }), host({}, { latency: { ms: 30, at: 0 } }), host()];
  const serviceMs = [10, 20, 200];
  const served = [0, 0, 0];
  const random = seeded(4);
  const by = { ...facts(1), random };
  const inFlight: { at: number; host: number; since: number }[] = [];
  for (let now = 0; now < 20_000; now++) {
    for (const done of inFlight.filter(({ at }) => at <= now)) {
      inFlight.splice(inFlight.indexOf(done), 1);
      const each = hosts[done.host];
      if (each === undefined) continue;
      each.active--;
      observeLatency(each.latency, now - done.since, now, DECAY_MS);
    }
    by.now = now;
    const picked = pickLeastWait(hosts, 2, DECAY_MS, by);
    served[picked] = (served[picked] ?? 0) + 1;
    const each = hosts[picked];
    if (each !== undefined) each.active++;
    const tookMs = (serviceMs[picked] ?? 0) * (0.5 + random.next());
    inFlight.push({ at: now + tookMs, host: picked, since: now });
  }
  const [fast = 0, half = 0, slow = 0] = served;
  assert.ok(fast / half > 1.4 && fast / half < 2.8, `${fast} to ${half}`);
  assert.ok(slow < fast / 5, `${slow} to the slow one`);
});

test('a host that was slow once is tried again when its peak has decayed', () => {
  const once = host({}, { latency: { ms: 60_000, at: 0 } });
  const steady = host({}, { latency: { ms: 20, at: 0 } });
  const share = (now: number): number => {
    const by = { ...facts(2), now };
    steady.latency.at = now;
    let count = 0;
    for (let i = 0; i < 1_000; i++) if (pickLeastWait([once, steady], 2, DECAY_MS, by) === 0) count++;
    return count / 1_000;
  };
  assert.equal(share(100), 0);
  assert.ok(share(10 * DECAY_MS) > 0.9);
});

test('twice the weight bears twice the wait', () => {
  const heavy = host({ weight: 2 }, { active: 1 });
  const light = host({ weight: 1 }, { active: 1 });
  const by = facts(3);
  let count = 0;
  for (let i = 0; i < 1_000; i++) if (pickLeastWait([heavy, light], 2, DECAY_MS, by) === 0) count++;
  assert.ok(count > 700, `${count}`);
});
