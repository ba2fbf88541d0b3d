/**
 * The order in which a workload's parts start to serve and stop: each step keeps a promise to somebody else. Callers
 * are told before the application goes, and the application keeps its way out until it is gone.
 */
import type { Log } from '../core/log.ts';
import type { Clock } from '../core/runtime.ts';
import type { AppProcess } from './app-process.ts';
import { pause } from './pause.ts';
import type { Sidecar } from './sidecar.ts';
import type { StopRequest } from './stop-request.ts';

/** What stopping needs of the registration. */
export interface Leaving {
  drain(): Promise<boolean>;
  leave(): Promise<void>;
}

export interface LifeCycleOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly registration: Leaving;
  readonly sidecar: Pick<Sidecar, 'settle' | 'sealState' | 'drain'>;
  /** From the signal to SIGKILL. */
  readonly graceMs: number;
}

/** Callers know by now; what they had sent before is answered first, because most applications just die of a signal. */
const SETTLE_MS = 5_000;
/** After the application's end nothing but responses that are on their way is left in the sidecar. */
const SIDECAR_DRAIN_MS = 2_000;

/**
 * Lives with the application until its end and returns its exit code. When a stop is asked for: leave the endpoints,
 * wait until callers have acknowledged it and what they had sent is answered, signal the application, wait for its end
 * while outbound stays open.
 */
export async function liveWith(app: AppProcess, stop: StopRequest, options: LifeCycleOptions): Promise<number> {
  const { registration, sidecar, log } = options;
  const gone = new AbortController();
  void stop.requested.then((signal) => bringDown(app, signal, stop, options, gone.signal));
  const exitCode = await app.exited;
  gone.abort();
  log.info('the application has ended', { exitCode });
  sidecar.sealState?.();
  if (stop.signal === null) {
    // It ended by itself: callers learn it first.
    await registration.leave();
    await sidecar.drain(SIDECAR_DRAIN_MS);
  } else {
    await sidecar.drain(SIDECAR_DRAIN_MS);
    await registration.leave();
  }
  return exitCode;
}

async function bringDown(
  app: AppProcess,
  signal: NodeJS.Signals,
  stop: StopRequest,
  options: LifeCycleOptions,
  gone: AbortSignal,
): Promise<void> {
  const { clock, log, registration, sidecar, graceMs } = options;
  const hurried = stop.hurried.then(() => null);
  const acknowledged = await Promise.race([registration.drain(), hurried]);
  if (gone.aborted) return;
  if (acknowledged !== null) await Promise.race([sidecar.settle(SETTLE_MS), hurried]);
  if (gone.aborted) return;
  log.info('leaving', { acknowledged: acknowledged === true, signal });
  app.signal(signal);
  await Promise.race([pause(clock, graceMs, gone), stop.forced]);
  if (gone.aborted) return;
  log.warn('the application did not end in time and is killed', { graceMs });
  app.signal('SIGKILL');
}
