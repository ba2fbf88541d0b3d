/** Waiting on the runtime's clock, for the loops of the agent. Not for the request path. */
import type { Clock } from '../core/runtime.ts';

/** Resolves after `ms`, or at once when the signal is aborted; never rejects, so that loops look at the signal themselves. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const done = (): void => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.wake(clock.now() + ms, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** The result of `work`, or `late()` when it takes longer than `ms` or the signal is aborted; the work itself goes on. */
export async function within<T>(
  clock: Clock,
  ms: number,
  work: Promise<T>,
  late: () => T,
  signal?: AbortSignal,
): Promise<T> {
  const over = new AbortController();
  const waiting = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]);
  const timeout = pause(clock, ms, waiting).then(() => (over.signal.aborted ? work : late()));
  try {
    return await Promise.race([work, timeout]);
  } finally {
    over.abort();
  }
}

/** Exponential, with full jitter in its upper half: 0.5–1 times `baseMs · 2^failures`, at most `maxMs`. */
export function backOffMs(failures: number, baseMs: number, maxMs: number, random: number): number {
  return Math.min(maxMs, baseMs * 2 ** Math.min(failures, 20)) * (0.5 + random / 2);
}
