/** A policy bound to what it remembers of the current array of hosts. */
import type { BalanceConfig } from '../balance-config.ts';
import { type BalanceHost, type Balancer, haveEqualWeights, type PickFacts } from './balancer.ts';
import { buildRing, NO_RING, pickFrom, pickOnRing } from './hash-ring.ts';
import { buildMaglev } from './maglev.ts';
import { pickLeastBusy, shareOfBusy } from './pick-least-request.ts';
import { pickLeastWait } from './pick-peak-ewma.ts';
import { pickUniform, pickWeighted, weightOf } from './pick-random.ts';
import { pickByCredit, pickInTurn, type RoundRobinState, startRoundRobin } from './pick-round-robin.ts';
import { slowUntil, slowWeight } from './slow-start.ts';

export type Weigh = (hosts: readonly BalanceHost[]) => readonly number[];

/** `weigh`: weights for a ring or a table, in step with the hosts; other policies take the endpoints' own. */
export function createBalancer(config: BalanceConfig, weigh: Weigh = weightsOf): Balancer {
  switch (config.policy) {
    case 'ring-hash':
      return new RingBalancer(config, weigh);
    case 'maglev':
      return new MaglevBalancer(config, weigh);
    default:
      return new WeightBalancer(config);
  }
}

/** Policies that place requests by what they are and not by what hosts do: their arrays hold hosts of any health. */
export function isByHash({ policy }: BalanceConfig): boolean {
  return policy === 'ring-hash' || policy === 'maglev';
}

/** Whether picks look at `PickFacts.now`. */
export function readsClock({ policy, slowStart }: BalanceConfig): boolean {
  return policy === 'peak-ewma' || slowStart !== null;
}

class WeightBalancer implements Balancer {
  readonly #config: BalanceConfig;
  readonly #share: (host: BalanceHost, by: PickFacts) => number;
  #hosts: readonly BalanceHost[] | null = null;
  #equal = true;
  #slowUntil = 0;
  #turn: RoundRobinState = startRoundRobin(0, true, 0);

  constructor(config: BalanceConfig) {
    this.#config = config;
    const { slowStart: slow, policy, activeRequestBias: bias } = config;
    const weight = slow === null ? weightOf : (host: BalanceHost, by: PickFacts) => slowWeight(host, by.now, slow);
    this.#share = policy === 'least-request' ? (host, by) => shareOfBusy(weight(host, by), host.active, bias) : weight;
  }

  pick(hosts: readonly BalanceHost[], by: PickFacts): number {
    if (hosts !== this.#hosts) this.#begin(hosts, by);
    if (hosts.length === 0) return -1;
    const { policy, choices, ewmaDecayMs } = this.#config;
    const equal = this.#equal && (this.#slowUntil === 0 || this.#slowUntil <= by.now);
    switch (policy) {
      case 'peak-ewma':
        return pickLeastWait(hosts, choices, ewmaDecayMs, by);
      case 'round-robin':
        return equal ? pickInTurn(hosts, by, this.#turn) : pickByCredit(hosts, by, this.#turn.credit, this.#share);
      case 'least-request':
        return equal ? pickLeastBusy(hosts, choices, by) : pickWeighted(hosts, by, this.#share);
      default:
        return equal ? pickUniform(hosts, by) : pickWeighted(hosts, by, this.#share);
    }
  }

  #begin(hosts: readonly BalanceHost[], by: PickFacts): void {
    const { slowStart, policy } = this.#config;
    this.#hosts = hosts;
    this.#equal = haveEqualWeights(hosts);
    this.#slowUntil = slowStart === null ? 0 : slowUntil(hosts, slowStart);
    if (policy !== 'round-robin') return;
    const staysEqual = this.#equal && this.#slowUntil <= by.now;
    this.#turn = startRoundRobin(hosts.length, staysEqual, by.random.next());
  }
}

class RingBalancer implements Balancer {
  readonly #config: BalanceConfig;
  readonly #weigh: Weigh;
  #hosts: readonly BalanceHost[] | null = null;
  #ring = NO_RING;

  constructor(config: BalanceConfig, weigh: Weigh) {
    this.#config = config;
    this.#weigh = weigh;
  }

  pick(hosts: readonly BalanceHost[], by: PickFacts): number {
    if (hosts !== this.#hosts) {
      this.#hosts = hosts;
      this.#ring = buildRing(hosts, this.#weigh(hosts), this.#config.minRingSize, this.#config.maxRingSize);
    }
    return hosts.length === 0 ? -1 : pickOnRing(this.#ring, hosts, hashOf(by), by);
  }
}

class MaglevBalancer implements Balancer {
  readonly #config: BalanceConfig;
  readonly #weigh: Weigh;
  #hosts: readonly BalanceHost[] | null = null;
  #table: Uint32Array = new Uint32Array(0);

  constructor(config: BalanceConfig, weigh: Weigh) {
    this.#config = config;
    this.#weigh = weigh;
  }

  pick(hosts: readonly BalanceHost[], by: PickFacts): number {
    if (hosts !== this.#hosts) {
      this.#hosts = hosts;
      this.#table = buildMaglev(hosts, this.#weigh(hosts), this.#config.tableSize);
    }
    return this.#table.length === 0 ? -1 : pickFrom(this.#table, hashOf(by) % this.#table.length, hosts, by);
  }
}

function weightsOf(hosts: readonly BalanceHost[]): readonly number[] {
  return hosts.map(weightOf);
}

function hashOf(by: PickFacts): number {
  return by.hash < 0 ? Math.floor(by.random.next() * 2 ** 32) : by.hash;
}
