/** Gets the workload its SVID at start: the one on disk while it is valid, else a new one for a join token. */
import { isWeftError, messageOf, type WeftError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Clock, Random } from '../core/runtime.ts';
import type { KeyMaker } from '../identity/key-maker.ts';
import { isValid } from '../identity/svid.ts';
import type { ControlPlane } from './control-plane.ts';
import { type Claim, enrol } from './enrol.ts';
import type { KeptState, Membership } from './kept-state.ts';
import { backOffMs, pause } from './pause.ts';

const RETRY_BASE_MS = 250;
const RETRY_MAX_MS = 2_000;

export interface MembershipOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly keyMaker: KeyMaker;
  readonly controlPlane: ControlPlane;
  readonly kept: KeptState;
  readonly claim: Claim;
  /** Asked only when a token is needed; on the control plane's own machine it makes one. */
  readonly joinToken: () => Promise<string>;
  /** How long a control plane that is away is waited for. */
  readonly patienceMs: number;
  /** Ends the patience. */
  readonly signal: AbortSignal;
}

/** Rejects with what the control plane said, or with the last failure to reach it once the patience is over. */
export async function becomeMember(options: MembershipOptions): Promise<Membership> {
  const { clock, kept, claim, log } = options;
  const saved = await kept.membership(claim.namespace, claim.account);
  if (saved !== null && isValid(saved.svid, clock.wall())) {
    log.debug('the SVID on disk is valid still', { notAfter: new Date(saved.svid.notAfter).toISOString() });
    return saved;
  }
  const deadline = clock.now() + options.patienceMs;
  for (let failures = 0; ; failures += 1) {
    try {
      return await enrolAnew(options);
    } catch (error) {
      if (!isAway(error) || clock.now() >= deadline || options.signal.aborted) throw error;
      if (failures === 0) log.info('waiting for the control plane', { reason: messageOf(error) });
      await pause(clock, backOffMs(failures, RETRY_BASE_MS, RETRY_MAX_MS, options.random.next()), options.signal);
    }
  }
}

/** Enrols with a token and keeps the result on disk. */
export async function enrolAnew(options: MembershipOptions): Promise<Membership> {
  const { controlPlane, keyMaker, claim, joinToken, kept } = options;
  const membership = await enrol(controlPlane, keyMaker, claim, await joinToken());
  await kept.keepMembership(membership);
  return membership;
}

/** Nothing is known: the same call may succeed later. */
export function isAway(error: unknown): error is WeftError {
  return isWeftError(error, 'unavailable') || isWeftError(error, 'timeout') || isWeftError(error, 'name-not-found');
}
