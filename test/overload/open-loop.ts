/**
 * Load that comes whatever the answers are: so many requests a second, each by a caller who is free. A request for
 * which nobody is free is not made up for: its user has gone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../support/child.ts';
import type { Answer, Caller } from './callers.ts';

export interface Tally {
  readonly seconds: number;
  /** Carried within a second. */
  readonly good: number;
  readonly late: number;
  readonly refused: number;
  readonly failed: number;
  /** Nobody was free to ask. */
  readonly unasked: number;
  /** Sorted, ms. */
  readonly goodMs: readonly number[];
  readonly refusedMs: readonly number[];
}

const TICK_MS = 5;
const LATE_MS = 1_000;
/** A clock that stands still is not waited for forever: in real time it takes so many times as long at most. */
const MAX_STRETCH = 5;
const MAX_ANSWER_MS = 10_000;

export interface Load {
  /** Requests a second; Infinity: every caller asks again as soon as it is answered. */
  readonly rate: number;
  readonly forMs: number;
  /** What passes for time; real time unless set. */
  readonly clock?: () => number;
}

export async function offer(callers: readonly Caller[], load: Load): Promise<Tally> {
  const { rate, clock = () => performance.now() } = load;
  let timeMs = clock();
  const isClosed = rate === Number.POSITIVE_INFINITY;
  const free: Caller[] = [];
  const goodMs: number[] = [];
  const refusedMs: number[] = [];
  let late = 0;
  let failed = 0;
  let unasked = 0;
  let counts = true;
  let isOver = false;
  let asking = 0;
  const ask = (caller: Caller): void => {
    const sentAt = timeMs;
    asking++;
    caller.ask((answer) => {
      asking--;
      if (counts) count(answer, timeMs - sentAt);
      if (isOver) return;
      if (isClosed) ask(caller);
      else free.push(caller);
    });
  };
  const count = (answer: Answer, tookMs: number): void => {
    if (answer === 'refused') refusedMs.push(tookMs);
    else if (answer === 'failed') failed++;
    else if (tookMs > LATE_MS) late++;
    else goodMs.push(tookMs);
  };
  if (isClosed) callers.forEach(ask);
  else free.push(...callers);
  let owed = 0;
  let last = performance.now();
  const ticks = setInterval(() => {
    const now = performance.now();
    timeMs = clock();
    owed += isClosed ? 0 : ((now - last) * rate) / 1_000;
    last = now;
    for (; owed >= 1; owed--) {
      const caller = free.shift();
      if (caller !== undefined) ask(caller);
      else if (counts) unasked++;
    }
  }, TICK_MS);
  const begunAt = clock();
  await passed(load.forMs, clock);
  const seconds = (clock() - begunAt) / 1_000;
  counts = false;
  isOver = true;
  clearInterval(ticks);
  await until('everybody is answered', MAX_ANSWER_MS, () => asking === 0);
  const byTime = (a: number, b: number): number => a - b;
  return {
    seconds,
    good: goodMs.length,
    late,
    refused: refusedMs.length,
    failed,
    unasked,
    goodMs: goodMs.sort(byTime),
    refusedMs: refusedMs.sort(byTime),
  };
}

export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

async function passed(ms: number, clock: () => number): Promise<void> {
  const until = clock() + ms;
  const deadline = performance.now() + ms * MAX_STRETCH;
  for (let left = ms; left > 0 && performance.now() < deadline; left = until - clock()) await sleep(Math.ceil(left));
}
