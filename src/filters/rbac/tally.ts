/** How many passed and how many did not, or would not have, by the policy that decided; of rules that only log, how many it named. */
import type { Counter, Decision, Scope } from '../../http/filter.ts';
import { ACTION, type Rules } from './rules.ts';

export class Tally {
  readonly #byPolicy = new Map<string, Counter>();
  readonly #other: Counter;
  readonly #logs: boolean;

  /** `layer`: whether requests are counted or connections. */
  constructor(scope: Scope, rules: Rules | null, kind: 'enforced' | 'shadow', layer: 'requests' | 'connections') {
    const counter = (verdict: string, policy: string): Counter =>
      scope.counter(`weft_rbac_${layer}_total`, { rules: kind, verdict, policy });
    this.#logs = rules !== null && rules.action === ACTION.log;
    const named = this.#logs ? 'logged' : rules?.action === ACTION.deny ? 'denied' : 'allowed';
    for (const { name } of rules?.policies ?? []) this.#byPolicy.set(name, counter(named, name));
    this.#other = counter(rules?.action === ACTION.allow ? 'denied' : 'allowed', '');
  }

  count(decision: Decision & { readonly policy: string }): void {
    (this.#byPolicy.get(decision.policy) ?? this.#other).add(1);
  }

  /** A policy that only logs named it. */
  marks({ policy }: { readonly policy: string }): boolean {
    return this.#logs && policy !== '';
  }
}
