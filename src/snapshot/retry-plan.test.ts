import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { RESET, type ResetReason } from '../http/message.ts';
import {
  allowedRetries,
  backOffMs,
  planRetry,
  type RetryBudget,
  type RetryDecision,
  type RetryFacts,
} from './retry-plan.ts';
import type { RetryPolicy } from './retry-policy.ts';

const POLICY: RetryPolicy = {
  retries: 2,
  perTryTimeoutMs: 0,
  perTryIdleTimeoutMs: 0,
  omits: [],
  leavesPrioritiesAfter: 0,
  onConnectFailure: true,
  onRefusedStream: true,
  onReset: true,
  onResetBeforeRequest: false,
  onGatewayError: false,
  on5xx: false,
  statusCodes: [503],
  grpcStatuses: 0,
  headers: [],
  requestHeaders: [],
  baseIntervalMs: 25,
  maxIntervalMs: 250,
  resetHeaders: [],
  maxResetMs: 0,
};
const CAUTIOUS: RetryPolicy = { ...POLICY, onReset: false, statusCodes: [] };
const LIMITS = {
  maxConnections: 1024,
  maxPending: 1024,
  maxRequests: 1024,
  maxRetries: 3,
  retryBudgetPercent: 20,
  minRetryConcurrency: 3,
};
const BUDGET: RetryBudget = { limits: LIMITS, active: 10, activeRetries: 0 };

function plan(facts: Partial<RetryFacts>, budget = BUDGET, random01 = 0.5): RetryDecision {
  return planRetry(
    {
      policy: POLICY,
      reset: null,
      retriable: false,
      resetAfterMs: 0,
      retries: 0,
      idempotent: true,
      responseStarted: false,
      replayable: true,
      bytesSent: true,
      ...facts,
    },
    budget,
    random01,
  );
}

const anyFacts = fc.record({
  policy: fc.constantFrom(null, POLICY, CAUTIOUS),
  reset: fc.constantFrom<ResetReason | null>(null, ...Object.values(RESET)),
  retriable: fc.boolean(),
  resetAfterMs: fc.constantFrom(0, 2_000),
  retries: fc.nat({ max: 3 }),
  idempotent: fc.boolean(),
  responseStarted: fc.boolean(),
  replayable: fc.boolean(),
  bytesSent: fc.boolean(),
});

test('nothing is tried again once the response has begun or the body is lost', () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      if (plan(facts).retry) assert.ok(!facts.responseStarted && facts.replayable);
    }),
  );
});

test('never more retries than the policy allows', () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      if (plan(facts).retry) assert.ok(facts.retries < (facts.policy?.retries ?? 1));
    }),
  );
});

test('with a policy for unseen requests only, a request that may have been seen is repeated only when that is idempotent and free', () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const decision = plan({ ...facts, policy: CAUTIOUS, retriable: false });
      const unseen = facts.reset === RESET.connect || facts.reset === RESET.refused || !facts.bytesSent;
      if (decision.retry && !unseen) assert.ok(facts.reset === RESET.stale && facts.idempotent && facts.retries === 0);
    }),
  );
});

test('a failed connection is tried again at once, then after a back-off', () => {
  assert.deepEqual(plan({ reset: RESET.connect, policy: CAUTIOUS, idempotent: false, bytesSent: false }), {
    retry: true,
    afterMs: 0,
  });
  assert.deepEqual(plan({ reset: RESET.connect, retries: 1 }), { retry: true, afterMs: 37.5 });
});

test('a response that the policy speaks of is retried after a back-off, another is passed on', () => {
  assert.deepEqual(plan({ retriable: true }), { retry: true, afterMs: 12.5 });
  assert.deepEqual(plan({ retriable: false }), { retry: false, flag: '', why: 'the retry policy does not cover it' });
});

test('the flag says whether the tries, the budget or the policy ended it', () => {
  const spent = { ...BUDGET, activeRetries: 3 };
  assert.deepEqual(plan({ reset: RESET.connection, retries: 2 }), {
    retry: false,
    flag: 'URX',
    why: '2 retries were made',
  });
  assert.deepEqual(plan({ reset: RESET.connection }, spent), {
    retry: false,
    flag: 'UO',
    why: 'the retry budget of 3 is spent',
  });
  assert.equal(plan({ reset: RESET.connection, policy: CAUTIOUS }).retry, false);
  const refused = plan({ reset: RESET.connection, policy: null });
  assert.equal(!refused.retry && refused.flag, 'UC');
});

test('a stale connection costs an idempotent request nothing even without a policy, once', () => {
  assert.deepEqual(plan({ reset: RESET.stale, policy: null }), { retry: true, afterMs: 0 });
  assert.equal(plan({ reset: RESET.stale, policy: null, retries: 1 }).retry, false);
  assert.equal(plan({ reset: RESET.stale, policy: null, idempotent: false }).retry, false);
});

test('the budget is a share of what is active, with a floor', () => {
  assert.equal(allowedRetries({ ...BUDGET, active: 10 }), 3);
  assert.equal(allowedRetries({ ...BUDGET, active: 100 }), 20);
  assert.equal(allowedRetries({ ...BUDGET, limits: { ...LIMITS, retryBudgetPercent: null } }), 3);
});

test('back-off doubles up to its bound and is spread from nothing', () => {
  const at = (n: number, random01: number): number => backOffMs(POLICY, n, random01);
  assert.deepEqual([at(1, 1), at(2, 1), at(3, 1), at(4, 1), at(60, 1)], [25, 75, 175, 250, 250]);
  assert.equal(at(3, 0), 0);
});

test('what a peer refused unseen goes once more whatever its method, also without a policy', () => {
  assert.deepEqual(plan({ reset: RESET.refused, policy: null, idempotent: false }), { retry: true, afterMs: 0 });
  assert.equal(plan({ reset: RESET.refused, policy: null, retries: 1 }).retry, false);
  assert.equal(plan({ reset: RESET.refused, policy: null, replayable: false }).retry, false);
});

test('a reset before the request covers what was never sent, and nothing else', () => {
  const policy = { ...CAUTIOUS, onConnectFailure: false, onResetBeforeRequest: true };
  assert.equal(plan({ policy, reset: RESET.connect, bytesSent: false }).retry, true);
  assert.equal(plan({ policy, reset: RESET.connection, bytesSent: true }).retry, false);
  assert.equal(plan({ policy, reset: RESET.limit, bytesSent: false }).retry, false);
});

test('a server that says when is not asked earlier, and its callers do not come all at once', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 300_000 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (askedMs, random01) => {
        const decision = plan({ retriable: true, resetAfterMs: askedMs }, BUDGET, random01);
        assert.ok(decision.retry && decision.afterMs >= askedMs && decision.afterMs < askedMs * 1.5);
      },
    ),
  );
});
