/** Envoy's CircuitBreakers → CircuitLimits. */
import type { CircuitBreakers } from '../../xds/tables/messages.gen.ts';
import { RoutingPriority } from '../../xds/tables/messages.gen.ts';
import type { CircuitLimits } from '../snapshot.ts';
import { refuseSet } from './problem.ts';

/** Envoy's defaults. */
const LIMIT = 1024;
const RETRIES = 3;
const BUDGET_PERCENT = 20;
const BUDGET_FLOOR = 3;

/** Limits of priority HIGH are read over: no route of this proxy can have it. */
export function readCircuitLimits(where: string, message: CircuitBreakers | undefined): CircuitLimits {
  refuseSet(`${where}.per_host_thresholds`, message?.perHostThresholds);
  const limits = message?.thresholds.find((threshold) => threshold.priority === RoutingPriority.DEFAULT);
  refuseSet(`${where}.thresholds.max_connection_pools`, limits?.maxConnectionPools);
  const budget = limits?.retryBudget;
  return {
    maxConnections: limits?.maxConnections ?? LIMIT,
    maxPending: limits?.maxPendingRequests ?? LIMIT,
    maxRequests: limits?.maxRequests ?? LIMIT,
    maxRetries: limits?.maxRetries ?? RETRIES,
    retryBudgetPercent: budget === undefined ? null : (budget.budgetPercent?.value ?? BUDGET_PERCENT),
    minRetryConcurrency: budget?.minRetryConcurrency ?? BUDGET_FLOOR,
  };
}
