/**
 * Real churn without growth: connections, requests and streams that come, go and break off, while endpoints, routes,
 * listeners and certificates change. `WEFT_SOAK_SECONDS=1200` for what it says of a day.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../support/child.ts';
import { visit } from './churn-clients.ts';
import { type Sidecar, type SidecarState, startSidecar, valueOf } from './sidecar.ts';

const SECONDS = Number(process.env['WEFT_SOAK_SECONDS'] ?? 20);
const VISITORS = 16;
const SAMPLES = 10;
const MIB = 2 ** 20;
/** Of what is alive after a collection, from the first third to the last. Compiled code and caches come late in a short run. */
const MAX_GROWTH_MIB = 4;
/** A pooled connection to an upstream lives so much longer than its last request. */
const IDLE_MS = 20_000;

test(`${SECONDS} s of churn leave nothing behind`, { timeout: (SECONDS + 120) * 1_000 }, async (t) => {
  const sidecar = await startSidecar({ exposeGc: true, churnMs: 250 });
  let isOver = false;
  try {
    const visits = { answered: 0, left: 0 };
    const fresh = await sidecar.state();
    const running = Array.from({ length: VISITORS }, (_, i) =>
      visit([sidecar.port, sidecar.meshPort], i, visits, () => isOver),
    );
    const samples: SidecarState[] = [];
    for (let i = 0; i < SAMPLES; i++) {
      await sleep((SECONDS * 1_000) / SAMPLES);
      const state = await sidecar.state();
      samples.push(state);
      t.diagnostic(describe(state, visits.answered + visits.left));
    }
    isOver = true;
    await Promise.all(running);
    await until('all have gone', IDLE_MS, async () => isQuiet(await sidecar.state()));
    await sleep(IDLE_MS);
    const quiet = await quietState(sidecar);
    t.diagnostic(`quiet: ${describe(quiet, visits.answered + visits.left)}`);
    assert.ok(visits.answered > SECONDS * 5, `${visits.answered} answers`);
    assert.equal(quiet.connections, 0);
    assert.equal(valueOf(quiet, 'weft_requests_active'), 0);
    assert.ok(
      quiet.timersArmed <= fresh.timersArmed + 5,
      `${quiet.timersArmed} timers, ${fresh.timersArmed} at the start`,
    );
    // The least of some: what is in flight at a look is no growth.
    const least = (some: readonly SidecarState[]): number => Math.min(...some.map(aliveBytes));
    const growth = (least(samples.slice(-3)) - least(samples.slice(1, 4))) / MIB;
    assert.ok(growth < MAX_GROWTH_MIB, `${growth.toFixed(1)} MiB more are alive`);
  } finally {
    isOver = true;
    await sidecar.close();
  }
});

function isQuiet(state: SidecarState): boolean {
  return state.connections === 0 && valueOf(state, 'weft_requests_active') === 0;
}

/** The second of two looks: what the first let go of is collected. */
async function quietState(sidecar: Sidecar): Promise<SidecarState> {
  await sidecar.state();
  return sidecar.state();
}

function aliveBytes({ heapUsed, external }: SidecarState): number {
  return heapUsed + external;
}

function describe(state: SidecarState, visits: number): string {
  const mib = (bytes: number): string => (bytes / MIB).toFixed(1);
  return (
    `${visits} visits; rss ${mib(state.rss)}, heap ${mib(state.heapUsed)}, external ${mib(state.external)} MiB; ` +
    `${state.connections} connections, ${state.timersArmed} timers, ${state.series.length} series`
  );
}
