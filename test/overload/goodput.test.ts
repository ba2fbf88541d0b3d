/**
 * Three times what the core can carry. By default each request is made to cost a millisecond more, so that a test
 * process can offer that much beside it, and goodput is the share of its busy time that the sidecar spends on that cost:
 * neighbours on the machine change neither. `WEFT_OVERLOAD=full` puts real load on it, counts by time, and wants an idle
 * machine.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../support/child.ts';
import { type Crowd, http1Crowd, http2Crowd } from './callers.ts';
import { clockOf, noCoreTime } from './core-time.ts';
import { offer, quantile, type Tally } from './open-loop.ts';
import { type Sidecar, startSidecar, valueOf } from './sidecar.ts';

const isFull = process.env['WEFT_OVERLOAD'] === 'full';
const COST_MS = isFull ? 0 : 1;
const CALLERS = isFull ? 2_000 : 600;
const MAX_RSS_MIB = 256;
const TIMES = 3;
const WARM_UP_MS = 2_000;
const PEAK_CALLERS = 32;

const kinds: readonly (readonly [string, (port: number) => Promise<Crowd>])[] = [
  ['HTTP/1.1, a connection each', (port) => http1Crowd(port, CALLERS)],
  ['HTTP/2, many streams a connection', (port) => http2Crowd(port, 4, CALLERS / 4, 'http2')],
  ['gRPC', (port) => http2Crowd(port, 4, CALLERS / 4, 'grpc')],
];

interface Measured extends Tally {
  /** Share of the busy time of the event loop that went into the work of requests that were carried. */
  readonly carrying: number;
  readonly busy: number;
  /** Requests a second that would fill the loop. */
  readonly capacity: number;
}

async function measure(sidecar: Sidecar, crowd: Crowd, rate: number, forMs: number): Promise<Measured> {
  const callers = rate === Number.POSITIVE_INFINITY ? crowd.callers.slice(0, PEAK_CALLERS) : crowd.callers;
  const clock = clockOf(sidecar.pid);
  await offer(callers, { rate, forMs: WARM_UP_MS, clock });
  const running = offer(callers, { rate, forMs, clock });
  const from = await sidecar.state();
  const tally = await running;
  const to = await sidecar.state();
  const busyMs = to.busyMs - from.busyMs;
  return {
    ...tally,
    // Without a known cost the time is all that there is to count by, and neighbours count as well.
    carrying: isFull ? tally.good / tally.seconds : (to.carryMs - from.carryMs) / busyMs,
    busy: busyMs / (busyMs + to.idleMs - from.idleMs),
    capacity: (tally.good / tally.seconds) * ((busyMs + to.idleMs - from.idleMs) / busyMs),
  };
}

for (const [kind, gather] of kinds) {
  test(`at three times its capacity it carries nine tenths of its peak, refuses quickly and says why, and the admin endpoint answers: ${kind}`, {
    skip: noCoreTime,
  }, async (t) => {
    const sidecar = await startSidecar({ costMs: COST_MS });
    try {
      const crowd = await gather(sidecar.port);
      const before = await measure(sidecar, crowd, Number.POSITIVE_INFINITY, 1_500);
      assert.equal(before.refused + before.failed, 0);
      const adminMs: number[] = [];
      let isOver = false;
      const watch = (async () => {
        while (!isOver) adminMs.push(await sidecar.ready());
      })();
      const load = await measure(sidecar, crowd, before.capacity * TIMES, 3_000);
      isOver = true;
      await watch;
      const state = await sidecar.state();
      await until(
        'nothing is in flight',
        5_000,
        async () => valueOf(await sidecar.state(), 'weft_requests_active') === 0,
      );
      const after = await measure(sidecar, crowd, Number.POSITIVE_INFINITY, 1_500);
      assert.equal(after.failed, 0);
      const share = load.carrying / Math.max(before.carrying, after.carrying);
      const rssMib = state.rss / 2 ** 20;
      t.diagnostic(
        `capacity ${Math.round(before.capacity)}/s; offered ${TIMES} times that: carried ${percent(share)} of the peak ` +
          `(p50 ${ms(load.goodMs, 0.5)}, p99 ${ms(load.goodMs, 0.99)}), refused ${Math.round(load.refused / load.seconds)}/s ` +
          `(p50 ${ms(load.refusedMs, 0.5)}, p99 ${ms(load.refusedMs, 0.99)}), late ${load.late}, unasked ${load.unasked}, ` +
          `loop busy ${percent(load.busy)}; admin at most ${Math.round(Math.max(...adminMs))} ms; ${Math.round(rssMib)} MiB`,
      );
      assert.ok(share >= 0.9, `${percent(share)} of the peak`);
      // While the test process has no core, nothing comes.
      assert.ok(load.busy >= 0.5, `busy ${percent(load.busy)}`);
      assert.ok(load.refused > 0, 'what it cannot carry is refused');
      assert.equal(load.failed, 0);
      assert.ok(load.late < load.good / 10, `${load.late} answers came too late`);
      assert.ok(quantile(load.refusedMs, 0.5) < 1_000);
      assert.ok(
        quantile(
          adminMs.sort((a, b) => a - b),
          0.5,
        ) < 1_000,
      );
      assert.ok(rssMib < MAX_RSS_MIB, `${rssMib} MiB`);
      assert.equal(valueOf(state, 'weft_overload_refused_total', { reason: 'memory' }), 0);
      assert.ok(valueOf(state, 'weft_overload_refused_total', { reason: 'adaptive_concurrency' }) > 0);
      assert.match(sidecar.log(), /too many requests in flight.*requests are refused/);
      crowd.close();
    } finally {
      await sidecar.close();
    }
  });
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function ms(sorted: readonly number[], share: number): string {
  return `${Math.round(quantile(sorted, share))} ms`;
}
