/**
 * Clients that hold what they can and give nothing: those who do not read, and those who trickle heads, bodies and
 * frames, over HTTP/1.1 and HTTP/2. The others do not feel them, memory has a bound, and each is ended by the bound that
 * is named for it. `WEFT_OVERLOAD=full` brings 10,000 of each kind, and waits for the bounds.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SETTING } from '../../src/http/h2/settings.ts';
import { GET, headers, hello, POST } from '../../src/http/h2/test/frames.ts';
import { until } from '../support/child.ts';
import { http1Crowd } from './callers.ts';
import { clockOf, noCoreTime } from './core-time.ts';
import { offer, quantile } from './open-loop.ts';
import { type Quiet, stuck, trickle } from './quiet-clients.ts';
import { type Sidecar, type SidecarState, startSidecar, valueOf } from './sidecar.ts';

const isFull = process.env['WEFT_OVERLOAD'] === 'full';
const CLIENTS = isFull ? 10_000 : 600;
const STREAMS = 10;
const MIB = 2 ** 20;
const ROUNDS = 3;
const CRUMB_MS = 1_000;
/** Stalls and head timeouts are a minute, seen at the second look. */
const BOUNDS_MS = 240_000;
const TIMEOUT_MS = 900_000;

type Fields = readonly (readonly [string, string])[];

/** Several streams that are alike. */
function streams(fields: Fields, isWhole: boolean): Buffer {
  return Buffer.concat(Array.from({ length: STREAMS }, (_, i) => headers(2 * i + 1, fields, isWhole)));
}

function withPath(fields: Fields, path: string): Fields {
  return fields.map(([name, value]) => [name, name === ':path' ? path : value]);
}

const BIG = 'GET /big HTTP/1.1\r\nhost: app\r\n\r\n';
const H2_BIG = withPath(GET, '/big');
/** Windows are closed from the start. */
const ZERO_WINDOWS = Buffer.concat([hello([SETTING.initialWindowSize, 0]), streams(H2_BIG, true)]);
const HEAD = 'GET / HTTP/1.1\r\n';
const BODY = 'POST /hold HTTP/1.1\r\nhost: app\r\ncontent-length: 1000\r\n\r\n';
const FRAMES = Buffer.concat([hello(), streams([...withPath(POST, '/hold'), ['content-length', '1000']], false)]);
/** DATA of one byte for the first stream; the others bring nothing. */
const CRUMB = '\0\0\x01\0\0\0\0\0\x01x';

interface Slow {
  readonly name: string;
  readonly limits: readonly string[];
  /** Of resident memory, a client or stream. */
  readonly maxKib: number;
  gather(
    port: number,
    over: () => boolean,
  ): Promise<{ readonly all: readonly Quiet[]; readonly done: Promise<unknown> }>;
}

const KINDS: readonly Slow[] = [
  {
    name: 'readers',
    limits: ['h1.stalled_response', 'h2.stalled_stream'],
    // Two windows and a high-water mark, and what the kernel's buffers cost us.
    maxKib: 256,
    async gather(port) {
      const half = CLIENTS / 2;
      const all = [await stuck(port, half, BIG), await stuck(port, half / STREAMS, ZERO_WINDOWS)];
      return { all, done: Promise.resolve() };
    },
  },
  {
    name: 'writers',
    limits: ['h1.trickling_request', 'h2.trickling_stream'],
    maxKib: 40,
    async gather(port, over) {
      const third = Math.floor(CLIENTS / 3);
      const heads = await stuck(port, third, HEAD);
      const bodies = await stuck(port, third, BODY);
      const frames = await stuck(port, third / STREAMS, FRAMES);
      const done = Promise.all([
        trickle(heads, 'x: y\r\n', CRUMB_MS, over),
        trickle(bodies, 'x', CRUMB_MS, over),
        trickle(frames, CRUMB, CRUMB_MS, over),
      ]);
      return { all: [heads, bodies, frames], done };
    },
  },
];

for (const slow of KINDS) {
  test(`${CLIENTS} slow ${slow.name} do not hurt the others`, { skip: noCoreTime, timeout: TIMEOUT_MS }, async (t) => {
    const sidecar = await startSidecar({ exposeGc: true });
    let all: readonly Quiet[] = [];
    let isOver = false;
    try {
      const crowd = await http1Crowd(sidecar.port, 16);
      /** p99, ms. The best of some rounds: neighbours on the machine have theirs. */
      const measure = async (): Promise<number> => {
        const found: number[] = [];
        for (let i = 0; i < ROUNDS; i++) {
          const tally = await offer(crowd.callers, { rate: 200, forMs: 1_500, clock: clockOf(sidecar.pid) });
          assert.equal(tally.failed + tally.refused, 0);
          assert.ok(tally.good > 100, `${tally.good} of 300 were answered in time`);
          found.push(quantile(tally.goodMs, 0.99));
        }
        return Math.min(...found);
      };
      const alone = await measure();
      const before = await sidecar.state();
      const gathered = await slow.gather(sidecar.port, () => isOver);
      all = gathered.all;
      await sleep(2_000);
      const beside = await measure();
      const during = await sidecar.state();
      const grown = (during.rss - before.rss) / MIB;
      t.diagnostic(
        `p99 alone ${alone.toFixed(1)} ms, beside them ${beside.toFixed(1)} ms; ${during.connections} connections, ` +
          `${valueOf(during, 'weft_requests_active')} requests, ${grown.toFixed(0)} MiB more resident`,
      );
      assert.ok(during.connections >= all.reduce((sum, { sockets }) => sum + sockets.length, 0));
      assert.ok(beside < Math.max(alone * 3, 150), `p99 ${alone} ms alone, ${beside} ms beside them`);
      assert.ok(grown < (CLIENTS * slow.maxKib) / 1_024 + 50, `${grown} MiB`);
      if (isFull) await ended(sidecar, slow.limits, t);
      isOver = true;
      await gathered.done;
      crowd.close();
      for (const quiet of all) quiet.close();
      await until('they are gone', 60_000, async () => isIdle(await sidecar.state()));
    } finally {
      isOver = true;
      for (const quiet of all) quiet.close();
      await sidecar.close();
    }
  });
}

/** Nothing of theirs is in flight any more, and every bound has its count. */
async function ended(sidecar: Sidecar, limits: readonly string[], t: TestContext): Promise<void> {
  const startedAt = performance.now();
  await until('all are ended', BOUNDS_MS, async () => {
    await sleep(2_000);
    return valueOf(await sidecar.state(), 'weft_requests_active') === 0;
  });
  const state = await sidecar.state();
  const counts = limits.map((limit) => [limit, valueOf(state, 'weft_limit_fired_total', { limit })] as const);
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  t.diagnostic(
    `ended after ${seconds} s: ${counts.map(([limit, count]) => `${limit} ${count}`).join(', ')}; ` +
      `${state.connections} connections are left, ${Math.round(state.rss / MIB)} MiB resident`,
  );
  for (const [limit, count] of counts) assert.ok(count > 0, limit);
}

function isIdle(state: SidecarState): boolean {
  return state.connections === 0 && valueOf(state, 'weft_requests_active') === 0;
}
