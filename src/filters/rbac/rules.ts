/** A set of policies as configured, and as it stands for one connection. */
import type { Decision } from '../../http/filter.ts';
import { originOfPolicy } from './policy-origin.ts';
import { type Condition, NEVER } from './condition.ts';
import { type Caller, specialise } from './specialise.ts';

export const ACTION = { allow: 0, deny: 1, log: 2 } as const;
export type Action = (typeof ACTION)[keyof typeof ACTION];

export interface RbacDecision extends Decision {
  /** The one that decided; empty: none matched. */
  readonly policy: string;
}

export interface Policy {
  readonly name: string;
  readonly condition: Condition;
  /** When this policy is the first that matches. */
  readonly decision: RbacDecision;
}

export interface Rules {
  readonly action: Action;
  /** In the order of their names, as Envoy asks them; the first that matches decides. */
  readonly policies: readonly Policy[];
  /** When none matches. */
  readonly otherwise: RbacDecision;
}

export interface ConnectionRules extends Rules {
  /** Whether a path is compared, so that its other readings matter. */
  readonly readsPath: boolean;
}

export function rulesOf(action: Action, conditions: ReadonlyMap<string, Condition>): Rules {
  const names = [...conditions.keys()].sort((a, b) => (a < b ? -1 : 1));
  return {
    action,
    policies: names.map((name) => ({
      name,
      condition: conditions.get(name) ?? NEVER,
      decision: { allowed: action !== ACTION.deny, rule: `policy ${name}`, policy: name, origin: originOfPolicy(name) },
    })),
    otherwise: { allowed: action !== ACTION.allow, rule: describeNone(action, names.length), policy: '' },
  };
}

/** Policies that cannot match on this connection are gone; behind one that always does, nothing is asked. */
export function rulesFor(rules: Rules, caller: Caller): ConnectionRules {
  const policies: Policy[] = [];
  for (const policy of rules.policies) {
    const condition = specialise(policy.condition, caller);
    if (condition.kind === 'constant' && !condition.holds) continue;
    const left = { ...policy, condition };
    // Whatever the others say, this one matches.
    if (condition.kind === 'constant') return { ...rules, policies: [left], readsPath: false };
    policies.push(left);
  }
  return { ...rules, policies, readsPath: policies.some(({ condition }) => readsPath(condition)) };
}

function readsPath(condition: Condition): boolean {
  switch (condition.kind) {
    case 'path':
      return true;
    case 'header':
      return condition.header.match.name === ':path';
    case 'all':
    case 'some':
      return condition.of.some(readsPath);
    case 'not':
      return readsPath(condition.of);
    default:
      return false;
  }
}

function describeNone(action: Action, count: number): string {
  if (action === ACTION.allow) return count === 0 ? 'no policy: nothing is allowed' : `none of ${count} policies`;
  return count === 0 ? 'no policy' : `none of ${count} policies that deny`;
}
