/**
 * Three times what the core can carry. By default each request is made to cost a millisecond more, so that a test
 * process can offer that much beside it; `WEFT_OVERLOAD=full` puts real load on it, and wants an idle machine.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../support/child.ts';
import { offer, quantile } from './open-loop.ts';
import { startSidecar, valueOf } from './sidecar.ts';

const isFull = process.env['WEFT_OVERLOAD'] === 'full';
const COST_MS = isFull ? 0 : 1;
/** A shared machine takes the core away now and then. */
const LEAST = isFull ? 0.9 : 0.8;
const CONNECTIONS = isFull ? 2_000 : 600;

test('at three times its capacity it carries nine tenths of its peak, refuses quickly, and the admin endpoint answers', async (t) => {
  const sidecar = await startSidecar({ costMs: COST_MS });
  try {
    await offer(sidecar.port, Number.POSITIVE_INFINITY, 32, 1_500, 500);
    const peak = await offer(sidecar.port, Number.POSITIVE_INFINITY, 32, 3_000, 500);
    assert.equal(peak.refused + peak.failed, 0);
    const peakRate = peak.good / peak.seconds;
    const adminMs: number[] = [];
    let isOver = false;
    const watch = (async () => {
      while (!isOver) adminMs.push(await sidecar.ready());
    })();
    const load = await offer(sidecar.port, peakRate * 3, CONNECTIONS, 8_000, 3_000);
    isOver = true;
    await watch;
    const rate = load.good / load.seconds;
    const state = await sidecar.state();
    t.diagnostic(
      `peak ${Math.round(peakRate)}/s; offered ${Math.round(peakRate * 3)}/s: carried ${Math.round(rate)}/s ` +
        `(${Math.round((rate / peakRate) * 100)} %, p50 ${Math.round(quantile(load.goodMs, 0.5))} ms, ` +
        `p99 ${Math.round(quantile(load.goodMs, 0.99))} ms), refused ${Math.round(load.refused / load.seconds)}/s ` +
        `(p50 ${Math.round(quantile(load.refusedMs, 0.5))} ms), late ${load.late}, unasked ${load.unasked}; ` +
        `admin at most ${Math.round(Math.max(...adminMs))} ms; ${Math.round(state.rss / 2 ** 20)} MiB`,
    );
    assert.ok(rate >= LEAST * peakRate, `${rate} of ${peakRate}`);
    assert.ok(load.refused > 0, 'what it cannot carry is refused');
    assert.equal(load.failed, 0);
    assert.ok(load.late < load.good / 20, `${load.late} answers came too late`);
    assert.ok(quantile(load.goodMs, 0.5) < 500);
    assert.ok(Math.max(...adminMs) < 2_000);
    await until(
      'nothing is in flight',
      5_000,
      async () => valueOf(await sidecar.state(), 'weft_requests_active') === 0,
    );
    const after = await offer(sidecar.port, Number.POSITIVE_INFINITY, 8, 1_000, 0);
    assert.equal(after.failed, 0);
  } finally {
    await sidecar.close();
  }
});
