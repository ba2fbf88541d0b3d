/**
 * An alarm on the wall clock, which is the one that certificates live by. It sleeps in short naps on the monotonic
 * clock, so that a machine that was suspended, or whose clock was set, is late by one nap at most.
 */
import type { Clock } from '../core/runtime.ts';

const NAP_MS = 60_000;

/** Calls `run` once when `clock.wall() >= wallMs`. The returned function cancels; cancelling twice is harmless. */
export function wakeAtWall(clock: Clock, wallMs: number, run: () => void): () => void {
  let cancel = (): void => {};
  const nap = (): void => {
    const leftMs = wallMs - clock.wall();
    cancel = clock.wake(clock.now() + Math.max(0, Math.min(leftMs, NAP_MS)), leftMs <= NAP_MS ? wakeUp : nap);
  };
  const wakeUp = (): void => {
    if (clock.wall() >= wallMs) run();
    else nap();
  };
  nap();
  return () => cancel();
}
