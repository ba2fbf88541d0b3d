/** Real time. */
import { performance } from 'node:perf_hooks';
import type { Clock } from '../../core/runtime.ts';

/** What setTimeout takes at most; longer waits are made of several. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export const nodeClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  wake(at, run) {
    let timer: NodeJS.Timeout;
    const look = (): void => {
      const leftMs = at - performance.now();
      // Timers of Node round down to its loop's milliseconds and may come early; an alarm never does.
      if (leftMs > 0) timer = setTimeout(look, Math.min(Math.ceil(leftMs), MAX_TIMEOUT_MS));
      else run();
    };
    const leftMs = at - performance.now();
    timer = setTimeout(look, Math.min(Math.max(Math.ceil(leftMs), 1), MAX_TIMEOUT_MS));
    return () => clearTimeout(timer);
  },
};
