/** Being asked to end: Ctrl-C, SIGTERM, or the end of the `weft dev` that started this process. */
import { setTimeout as sleep } from 'node:timers/promises';

export type EndSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGQUIT';
const SIGNALS: readonly EndSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];

/** Calls back each time. */
export function onEndSignal(run: (signal: EndSignal) => void): void {
  for (const signal of SIGNALS) process.on(signal, () => run(signal));
  // `weft dev` holds a channel to its children; when it is gone without a word, they must not live on.
  process.on('disconnect', () => run('SIGTERM'));
  process.channel?.unref();
}

/** As an AbortSignal: the first asks for an orderly end, a second Ctrl-C ends the process at once. */
export function untilSignal(): AbortSignal {
  const controller = new AbortController();
  onEndSignal((signal) => {
    if (controller.signal.aborted && signal === 'SIGINT') process.exit(130);
    controller.abort(signal);
  });
  return controller.signal;
}

/** Resolves early, without error, when the signal comes. */
export async function sleepUnlessAborted(durationMs: number, signal: AbortSignal): Promise<void> {
  await sleep(durationMs, undefined, { signal }).catch(() => {});
}

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
