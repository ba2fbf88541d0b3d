/**
 * `envoy.filters.network.rbac`: who may connect, where nothing is known but the connection. Envoy asks at the first byte; this
 * filter asks before anything is opened behind it, so a server that speaks first says nothing to who may not hear it.
 */
import type { ConnectionInfo } from '../../core/runtime.ts';
import type { Admission, ConnectionFilter, ConnectionFilterModule, Decision, Facts, Scope } from '../../http/filter.ts';
import { type RbacConfig, readNetworkRbac } from './read.ts';
import { ACTION, type RbacDecision, type Rules, rulesFor } from './rules.ts';
import { type Caller, callerOf, factsOf } from './specialise.ts';
import { Tally } from './tally.ts';

export const networkRbac: ConnectionFilterModule<RbacConfig> = {
  layer: 'connection',
  types: ['type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC'],
  read: readNetworkRbac,
  create: (config, scope) => new NetworkRbac(config, scope),
  decide({ enforced }: RbacConfig, facts: Facts): Decision {
    if (enforced === null) return { allowed: true, rule: 'no rules' };
    const decision = judgeConnection(enforced, callerOf(facts));
    return enforced.action === ACTION.log ? { ...decision, rule: `${decision.rule}, which only logs` } : decision;
  },
};

class NetworkRbac implements ConnectionFilter {
  readonly #config: RbacConfig;
  readonly #enforced: Tally;
  readonly #shadow: Tally;

  constructor(config: RbacConfig, scope: Scope) {
    this.#config = config;
    this.#enforced = new Tally(scope, config.enforced, 'enforced', 'connections');
    this.#shadow = new Tally(scope, config.shadow, 'shadow', 'connections');
  }

  admit(connection: ConnectionInfo): Admission | null {
    const { enforced, shadow } = this.#config;
    const caller = callerOf(factsOf(connection));
    if (shadow !== null) this.#shadow.count(judgeConnection(shadow, caller));
    if (enforced === null) return null;
    const decision = judgeConnection(enforced, caller);
    this.#enforced.count(decision);
    if (this.#enforced.marks(decision)) return { allowed: true, detail: `audited by ${decision.rule}` };
    return decision.allowed ? null : deniedBy(decision);
  }

  readmit(connection: ConnectionInfo): Admission | null {
    const { enforced } = this.#config;
    if (enforced === null) return null;
    const decision = judgeConnection(enforced, callerOf(factsOf(connection)));
    if (decision.allowed || this.#enforced.marks(decision)) return null;
    this.#enforced.count(decision);
    return deniedBy(decision);
  }
}

function deniedBy({ rule }: RbacDecision): Admission {
  return { allowed: false, detail: `RBAC: denied by ${rule}` };
}

/** Every condition is about the connection, so what is left of the rules is constant: the first one decides. */
function judgeConnection(rules: Rules, caller: Caller): RbacDecision {
  return rulesFor(rules, caller).policies[0]?.decision ?? rules.otherwise;
}
