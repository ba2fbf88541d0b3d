/** What an exchange remembers once a try of it has failed; made then, because most never need it. */
import { CallbackTimer } from '../../core/timer-wheel.ts';
import { RESET, type ResetReason } from '../../http/message.ts';
import { planRetry, type RetryBudget, type RetryDecision, type RetryFacts } from '../../snapshot/retry-plan.ts';
import { NO_PRIORITIES } from '../../snapshot/balance/balancer.ts';
import type { RetryPolicy } from '../../snapshot/retry-policy.ts';
import { hasLabels } from '../../snapshot/subset-match.ts';
import type { UpstreamHost } from '../cluster/attempt.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { RouterWorld } from './router-world.ts';

export const NO_HOSTS: readonly UpstreamHost[] = [];

export class Retries {
  /** Hosts of the tries that failed. */
  #tried = NO_HOSTS;
  /** The last try met a dead kept-alive connection: the next one needs a new one, and blames no host. */
  fresh = false;
  readonly #world: RouterWorld;
  readonly #pause: CallbackTimer;

  constructor(world: RouterWorld, again: () => void) {
    this.#world = world;
    this.#pause = new CallbackTimer(again);
  }

  plan(facts: RetryFacts, budget: RetryBudget): RetryDecision {
    return planRetry(facts, budget, this.#world.runtime.random.next());
  }

  failed(host: UpstreamHost | null, reset: ResetReason | null): void {
    this.fresh = reset === RESET.stale;
    if (host !== null && !this.fresh) this.#tried = [...this.#tried, host];
  }

  /** Another try begins beside the one on that host. */
  avoid(host: UpstreamHost | null): void {
    this.fresh = false;
    if (host !== null) this.#tried = [...this.#tried, host];
  }

  /** Whom the next try avoids: the hosts of those before, and whom the policy wants no retry to have. */
  avoided(policy: RetryPolicy | null, { hosts }: Cluster): readonly UpstreamHost[] {
    if (policy === null || policy.omits.length === 0) return this.#tried;
    const isOmitted = ({ endpoint }: UpstreamHost): boolean =>
      policy.omits.some((labels) => hasLabels(endpoint.labels, labels, true));
    return [...this.#tried, ...hosts.filter(isOmitted)];
  }

  /** Whose priorities the next try leaves for others (Envoy: previous_priorities). */
  leftPriorities({ leavesPrioritiesAfter: every }: RetryPolicy): readonly number[] {
    if (every === 0 || this.#tried.length < every) return NO_PRIORITIES;
    const counted = this.#tried.slice(0, this.#tried.length - (this.#tried.length % every));
    return counted.map(({ endpoint }) => endpoint.priority);
  }

  /** The try after that pause. */
  schedule(afterMs: number): void {
    this.#world.timers.arm(this.#pause, afterMs);
  }

  stop(): void {
    this.#world.timers.disarm(this.#pause);
  }
}
