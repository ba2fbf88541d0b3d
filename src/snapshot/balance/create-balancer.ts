/** The balancer of a cluster: its policy bound to what the policy remembers of the current array of hosts. */
import type { ClusterConfig } from '../snapshot.ts';
import { type BalanceHost, haveEqualWeights, type PickFacts } from './balancer.ts';
import { pickLeastRequest } from './pick-least-request.ts';
import { pickRandom } from './pick-random.ts';
import { pickRoundRobin, type RoundRobinState, startRoundRobin } from './pick-round-robin.ts';

export interface Balancer {
  /** Index into `hosts`, -1 when there are none. A new array (compared by identity) means that hosts or weights changed. */
  pick(hosts: readonly BalanceHost[], by: PickFacts): number;
}

export function createBalancer(config: Pick<ClusterConfig, 'policy' | 'choices'>): Balancer {
  return new PolicyBalancer(config.policy, Math.max(1, config.choices));
}

class PolicyBalancer implements Balancer {
  readonly #policy: ClusterConfig['policy'];
  readonly #choices: number;
  #hosts: readonly BalanceHost[] | null = null;
  #equal = true;
  #turn: RoundRobinState = { cursor: 0, credit: new Float64Array(0) };

  constructor(policy: ClusterConfig['policy'], choices: number) {
    this.#policy = policy;
    this.#choices = choices;
  }

  pick(hosts: readonly BalanceHost[], by: PickFacts): number {
    if (hosts !== this.#hosts) {
      this.#hosts = hosts;
      this.#equal = haveEqualWeights(hosts);
      if (this.#policy === 'round-robin') {
        this.#turn = startRoundRobin(hosts.length, this.#equal, by.random.next());
      }
    }
    switch (this.#policy) {
      case 'round-robin':
        return pickRoundRobin(hosts, by, this.#turn);
      case 'least-request':
        return pickLeastRequest(hosts, this.#equal, this.#choices, by);
      case 'random':
        return pickRandom(hosts, this.#equal, by);
    }
  }
}
