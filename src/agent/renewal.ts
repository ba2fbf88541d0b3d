/**
 * Keeps the SVID fresh: at half of its life, give or take a jitter, a new key is certified. The old SVID stays until
 * the new one is there, and failures are retried for as long as it takes.
 */
import { isWeftError, messageOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Clock, Random } from '../core/runtime.ts';
import { isValid, type Svid, type SvidSource } from '../identity/svid.ts';
import { wakeAtWall } from '../identity/wall-alarm.ts';
import { backOffMs, pause } from './pause.ts';

/** Of the whole life, after the half: what was started together is not renewed together. */
const JITTER = 0.1;
const RETRY_BASE_MS = 500;
/** A sixtieth of the life bounds the back-off too, so that a one-minute SVID gets its tries. */
const RETRY_MAX_MS = 60_000;

export interface RenewalOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly svid: SvidSource;
  /** Makes the source hold a newer SVID; with the current one, or from anew when that is refused or expired. */
  readonly renew: (mode: 'renew' | 'enrol') => Promise<void>;
}

/** Runs until the signal; never rejects. */
export async function keepRenewed(options: RenewalOptions, signal: AbortSignal): Promise<void> {
  const { clock, random, log, svid } = options;
  let failures = 0;
  let mode: 'renew' | 'enrol' = 'renew';
  while (!signal.aborted) {
    const current = svid.current();
    if (current === null) return;
    if (failures === 0) await untilWall(clock, renewAt(current, random.next()), signal);
    if (signal.aborted) return;
    if (!isValid(current, clock.wall())) mode = 'enrol';
    try {
      await options.renew(mode);
      log.info('renewed the SVID', { id: current.id, notAfter: new Date(svid.current()?.notAfter ?? 0).toISOString() });
      failures = 0;
      mode = 'renew';
    } catch (error) {
      failures += 1;
      const left = current.notAfter - clock.wall();
      const fields = { id: current.id, leftSeconds: Math.floor(left / 1000), reason: messageOf(error) };
      if (left <= 0) log.error('the SVID has expired and cannot be renewed: traffic fails closed', fields);
      else log.warn('the SVID could not be renewed yet', fields);
      mode = isWeftError(error, 'forbidden') && mode === 'renew' ? 'enrol' : 'renew';
      const mostMs = Math.min(RETRY_MAX_MS, (current.notAfter - current.notBefore) / 60);
      await pause(clock, backOffMs(failures - 1, Math.min(RETRY_BASE_MS, mostMs), mostMs, random.next()), signal);
    }
  }
}

/** Between half and six tenths of the life. `random`: in [0, 1). */
export function renewAt(svid: Svid, random: number): number {
  const lifeMs = svid.notAfter - svid.notBefore;
  return svid.notBefore + lifeMs * (0.5 + JITTER * random);
}

function untilWall(clock: Clock, wallMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = wakeAtWall(clock, wallMs, done);
    signal.addEventListener('abort', done, { once: true });
  });
}
