/**
 * What an idle connection costs, stated and bounded: bytes of resident memory and of heap, each. `WEFT_OVERLOAD=full`
 * holds as many as 20,000 descriptors of a process allow.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../support/child.ts';
import { idleHttp1, idleInner, type Quiet } from './quiet-clients.ts';
import { type Sidecar, type SidecarState, startSidecar, valueOf } from './sidecar.ts';

const isFull = process.env['WEFT_OVERLOAD'] === 'full';

const LINGER_MS = 2_500;

interface Kind {
  readonly name: string;
  readonly count: number;
  /** Bytes each. */
  readonly maxHeap: number;
  readonly maxRss: number;
  open(sidecar: Sidecar, count: number): Promise<Quiet>;
}

const KINDS: readonly Kind[] = [
  { name: 'HTTP/1.1', count: isFull ? 19_500 : 2_000, maxHeap: 6_000, maxRss: 20_000, open: idleHttp1 },
  { name: 'HTTP/2 with mTLS', count: isFull ? 5_000 : 500, maxHeap: 20_000, maxRss: 120_000, open: idleInner },
];

for (const { name, count, maxHeap, maxRss, open } of KINDS) {
  test(`${count} idle connections, ${name}: what each costs`, async (t) => {
    const sidecar = await startSidecar({ exposeGc: true });
    try {
      // Code is compiled and pools are filled by then.
      const warm = await open(sidecar, 300);
      warm.close();
      await until('they are gone', 10_000, async () => (await sidecar.state()).connections === 0);
      const before = await settled(sidecar);
      const quiet = await open(sidecar, count);
      const during = await settled(sidecar);
      assert.equal(during.connections, count);
      const each = (of: (state: SidecarState) => number): number => Math.round((of(during) - of(before)) / count);
      const heap = each(({ heapUsed }) => heapUsed);
      const outside = each(({ external }) => external);
      const rss = each((state) => state.rss);
      t.diagnostic(
        `each: ${rss} bytes resident, ${heap} of heap, ${outside} outside of it; ${during.timersArmed} timers`,
      );
      assert.ok(heap <= maxHeap, `${heap} bytes of heap each`);
      assert.ok(rss <= maxRss, `${rss} bytes resident each`);
      assert.equal(valueOf(during, 'weft_requests_active'), 0);
      quiet.close();
      await until('they are gone', 20_000, async () => (await sidecar.state()).connections === 0);
      const after = await settled(sidecar);
      const left = (after.heapUsed - before.heapUsed) / count;
      assert.ok(left < maxHeap / 5, `${Math.round(left)} bytes of heap are left of each`);
    } finally {
      await sidecar.close();
    }
  });
}

/** A closing connection lingers, and what is let go of in one collection is freed in the next. */
async function settled(sidecar: Sidecar): Promise<SidecarState> {
  await sidecar.state();
  await sleep(LINGER_MS);
  await sidecar.state();
  return sidecar.state();
}
