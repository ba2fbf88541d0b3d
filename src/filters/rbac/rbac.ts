/**
 * `envoy.filters.http.rbac`: who may ask for what. A refused caller gets 403 and learns nothing more; which rule it was
 * stands in the access log. Rules of the action LOG and shadow rules are counted and refuse nobody.
 */
import type { ConnectionInfo } from '../../core/runtime.ts';
import type { Exchange, Slots } from '../../http/exchange.ts';
import type { Decision, Facts, Filter, FilterModule, Scope } from '../../http/filter.ts';
import type { Head } from '../../http/head.ts';
import { CONTINUE, type Verdict } from '../../http/verdict.ts';
import { judge } from './judge.ts';
import { type RbacConfig, readRbac, readRbacPerRoute } from './read.ts';
import { ACTION, type ConnectionRules, rulesFor } from './rules.ts';
import { callerOf, factsOf } from './specialise.ts';
import { Tally } from './tally.ts';

const HTTP = 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.';
/** What everybody may know. */
const REFUSED = 'RBAC: access denied';
/** Of one connection: a route may have rules of its own, and each filter remembers its own. Past it the oldest are made again. */
const MAX_REMEMBERED = 32;

export const rbac: FilterModule<RbacConfig> = {
  types: [`${HTTP}RBAC`],
  read: readRbac,
  create,
  decide,
};

/** The same filter as a route's own: what is read differs by a wrapper. */
export const rbacPerRoute: FilterModule<RbacConfig> = {
  ...rbac,
  types: [`${HTTP}RBACPerRoute`],
  read: readRbacPerRoute,
};

function create(config: RbacConfig, scope: Scope): Filter {
  // A list without a filter costs a request nothing.
  return config.enforced === null && config.shadow === null ? {} : new RbacFilter(config, scope);
}

function decide({ enforced }: RbacConfig, head: Head, facts: Facts): Decision {
  if (enforced === null) return { allowed: true, rule: 'no rules' };
  const decision = judge(rulesFor(enforced, callerOf(facts)), head);
  return enforced.action === ACTION.log
    ? { ...decision, allowed: true, rule: `${decision.rule}, which only logs` }
    : decision;
}

class RbacFilter implements Filter {
  readonly #config: RbacConfig;
  readonly #enforced: Tally;
  readonly #shadow: Tally;

  constructor(config: RbacConfig, scope: Scope) {
    this.#config = config;
    this.#enforced = new Tally(scope, config.enforced, 'enforced', 'requests');
    this.#shadow = new Tally(scope, config.shadow, 'shadow', 'requests');
  }

  onRequest(exchange: Exchange): Verdict {
    const { enforced, shadow } = this.#rules(exchange);
    const { request } = exchange;
    if (shadow !== null) this.#shadow.count(judge(shadow, request));
    if (enforced === null) return CONTINUE;
    const decision = judge(enforced, request);
    this.#enforced.count(decision);
    if (this.#enforced.marks(decision)) exchange.note(`audited by ${decision.rule}`);
    return decision.allowed ? CONTINUE : exchange.reply(403, 'UAEX', `RBAC: denied by ${decision.rule}`, REFUSED);
  }

  #rules({ memo, connection }: Exchange): RememberedRules {
    for (let i = 0; i < memo.length; i++) {
      const slot = memo[i];
      if (slot instanceof RememberedRules && slot.owner === this) return slot;
    }
    return this.#remember(memo, connection);
  }

  #remember(memo: Slots, connection: ConnectionInfo): RememberedRules {
    const caller = callerOf(factsOf(connection));
    const { enforced, shadow } = this.#config;
    const made = new RememberedRules(
      this,
      enforced === null ? null : rulesFor(enforced, caller),
      shadow === null ? null : rulesFor(shadow, caller),
    );
    if (memo.length >= MAX_REMEMBERED) memo.shift();
    memo.push(made);
    return made;
  }
}

/** What a filter makes of its rules for one connection. */
class RememberedRules {
  readonly owner: RbacFilter;
  readonly enforced: ConnectionRules | null;
  readonly shadow: ConnectionRules | null;

  constructor(owner: RbacFilter, enforced: ConnectionRules | null, shadow: ConnectionRules | null) {
    this.owner = owner;
    this.enforced = enforced;
    this.shadow = shadow;
  }
}
