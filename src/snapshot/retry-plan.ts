/**
 * Whether a failed try of an exchange is made again, when, and if not under which flag it ends. Pure, so that `explain`
 * and the simulator ask the same question; called only after a failure, never on the path of a response that is passed on.
 */
import type { ResponseFlag } from '../http/flags.ts';
import { RESET, type ResetReason } from '../http/message.ts';
import type { RetryPolicy } from './retry-policy.ts';
import type { CircuitLimits } from './snapshot.ts';

export interface RetryFacts {
  /** null: the route has no retry policy. */
  readonly policy: RetryPolicy | null;
  /** How the try ended: by a reset, or (null) by a response. */
  readonly reset: ResetReason | null;
  /** The response is one that the policy asks to try again (`isRetriableResponse`). */
  readonly retriable: boolean;
  /** When the server asked to come back, in ms from now; 0: it did not. */
  readonly resetAfterMs: number;
  /** Retries made before, this one not included. */
  readonly retries: number;
  readonly idempotent: boolean;
  /** Something of the response went downstream: too late for any retry. */
  readonly responseStarted: boolean;
  /** Nothing of the request's body is lost: it has none, or all of it is kept. */
  readonly replayable: boolean;
  /** A byte of the request may have reached the upstream. */
  readonly bytesSent: boolean;
}

/** Of the cluster, at the moment of the question. */
export interface RetryBudget {
  readonly limits: CircuitLimits;
  /** Exchanges with a try in flight or waiting, retries included. */
  readonly active: number;
  readonly activeRetries: number;
}

export type RetryDecision =
  | { readonly retry: true; readonly afterMs: number }
  | { readonly retry: false; readonly flag: ResponseFlag; readonly why: string };

/** `random01` spreads the back-off. */
export function planRetry(facts: RetryFacts, budget: RetryBudget, random01: number): RetryDecision {
  const flag = outcomeFlag(facts.reset);
  if (facts.responseStarted) return no(flag, 'the response had begun');
  const safe = isReplaySafe(facts);
  if (!isRetriable(facts)) {
    // A connection that was closed while it lay idle says nothing about the request: once, without a policy, as
    // RFC 9110 section 9.2.2 lets any client do.
    // One that the peer says it has not looked at may go again whatever its method (RFC 9113 section 8.7).
    const unseen = facts.reset === RESET.refused || (facts.reset === RESET.stale && facts.idempotent);
    return unseen && facts.retries === 0 && facts.replayable
      ? { retry: true, afterMs: 0 }
      : no(flag, 'the retry policy does not cover it');
  }
  if (!facts.replayable) return no(flag, 'the request body was not kept');
  // `isRetriable` holds only with a policy.
  const policy = facts.policy as RetryPolicy;
  if (facts.retries >= policy.retries)
    return no(policy.retries > 0 ? 'URX' : flag, `${policy.retries} retries were made`);
  const allowed = allowedRetries(budget);
  if (budget.activeRetries >= allowed) return no('UO', `the retry budget of ${allowed} is spent`);
  // Envoy's JitteredLowerBoundBackOff: no earlier than asked, and not all at once.
  if (facts.resetAfterMs > 0) return { retry: true, afterMs: facts.resetAfterMs * (1 + random01 / 2) };
  const immediate = safe && facts.retries === 0;
  return { retry: true, afterMs: immediate ? 0 : backOffMs(policy, facts.retries + 1, random01) };
}

/** Whether the policy speaks of this outcome at all. */
function isRetriable(facts: RetryFacts): boolean {
  const { policy, reset } = facts;
  if (policy === null) return false;
  if (reset === null) return facts.retriable;
  // Envoy's RetryStateImpl::wouldRetryFromReset; an overflow of ours is never tried again.
  switch (reset) {
    case RESET.limit:
    case RESET.cancelled:
      return false;
    case RESET.connect:
      return policy.onConnectFailure || policy.onResetBeforeRequest || policy.onReset || isServerError(policy);
    case RESET.refused:
      return policy.onRefusedStream || policy.onReset || isServerError(policy);
    default:
      // What never left this proxy is as good as a connection that never opened.
      if (!facts.bytesSent && (policy.onConnectFailure || policy.onResetBeforeRequest)) return true;
      return policy.onReset || isServerError(policy);
  }
}

/** A try without a response counts as one that was answered 503, as in Envoy. */
function isServerError(policy: RetryPolicy): boolean {
  return policy.onGatewayError || policy.on5xx;
}

/** Envoy's JitteredExponentialBackOff: uniform in [0, min(base * (2^n - 1), max)) for the n-th retry, n from 1. */
export function backOffMs(
  policy: Pick<RetryPolicy, 'baseIntervalMs' | 'maxIntervalMs'>,
  n: number,
  random01: number,
): number {
  // 2^n leaves the doubles' exact range long after max has been passed.
  const grown = policy.baseIntervalMs * (2 ** Math.min(n, 30) - 1);
  return random01 * Math.min(grown, policy.maxIntervalMs);
}

/** How many retries may be in flight: the budget where there is one, else `max_retries`. */
export function allowedRetries(budget: RetryBudget): number {
  const { retryBudgetPercent, minRetryConcurrency, maxRetries } = budget.limits;
  if (retryBudgetPercent === null) return maxRetries;
  return Math.max(minRetryConcurrency, Math.floor((budget.active * retryBudgetPercent) / 100));
}

/** The upstream cannot have acted on the request. */
function isReplaySafe(facts: RetryFacts): boolean {
  return facts.reset === RESET.connect || facts.reset === RESET.refused || (facts.reset !== null && !facts.bytesSent);
}

/** What a try that failed this way, and is not made again, means to the caller. */
export function outcomeFlag(reset: ResetReason | null): ResponseFlag {
  switch (reset) {
    case null:
      return '';
    case RESET.connect:
      return 'UF';
    case RESET.connection:
    case RESET.stale:
      return 'UC';
    case RESET.refused:
    case RESET.aborted:
      return 'UR';
    case RESET.protocol:
      return 'UPE';
    case RESET.limit:
      return 'UO';
    case RESET.timeout:
      return 'UMSDR';
    case RESET.cancelled:
      return 'DC';
  }
}

function no(flag: ResponseFlag, why: string): RetryDecision {
  return { retry: false, flag, why };
}
