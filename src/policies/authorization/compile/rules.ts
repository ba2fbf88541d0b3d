/**
 * All AuthorizationPolicies of a port → Envoy's RBAC, one a kind of action. Raw bytes have no method, path or header: there
 * a rule that allows by them allows nothing, and one that denies by them denies whatever its callers send, because the
 * caller chooses whether a sidecar takes its bytes for HTTP.
 */
import { create } from '@bufbuild/protobuf';
import {
  type Permission,
  type Policy,
  PolicySchema,
  type RBAC,
  RBAC_Action,
  RBACSchema,
} from '../../../protos/gen/envoy/config/rbac/v3/rbac_pb.ts';
import type { Action, AuthorizationPolicy, Rule } from '../kind.ts';
import { unenforceable, unenforceableByGrpc } from '../unenforceable.ts';
import { AMBIGUOUS, ambiguousPath } from './ambiguous-path.ts';
import { allOf, ANYTHING, byHeader, httpFieldsOf, isForPort, permissionOf } from './permission.ts';
import { principalsOf } from './principal.ts';

/** What is compiled for. */
export interface Place {
  readonly trustDomain: string;
  /** The application's own. */
  readonly port: number;
  readonly layer: 'http' | 'tcp';
  /** The port was declared to carry no HTTP, so what asks for it is a mistake. */
  readonly neverHttp: boolean;
  /** The data plane compares a path as it came and in no other spelling. */
  readonly comparesOneSpelling: boolean;
  /** It is a gRPC server without a proxy. */
  readonly proxyless: boolean;
}

/** null: there is no such filter. In the order in which they are asked. */
export interface Compiled {
  readonly audit: RBAC | null;
  readonly deny: RBAC | null;
  readonly allow: RBAC | null;
}

const WIRE = { AUDIT: RBAC_Action.LOG, DENY: RBAC_Action.DENY, ALLOW: RBAC_Action.ALLOW } as const;

/** `policies`: those that are for the workload. */
export function compileRules(policies: readonly AuthorizationPolicy[], place: Place): Compiled {
  const audit = rulesOf('AUDIT', policies, place);
  const deny = { ...rulesOf('DENY', policies, place), ...refused(policies, place) };
  const allow = rulesOf('ALLOW', policies, place);
  if (place.layer === 'http' && place.comparesOneSpelling && policies.some(comparesPath))
    deny[AMBIGUOUS] = ambiguousPath();
  const hasAllow = policies.some(({ spec }) => spec?.action === 'ALLOW');
  return {
    audit: Object.keys(audit).length === 0 ? null : message('AUDIT', audit),
    deny: Object.keys(deny).length === 0 ? null : message('DENY', deny),
    // Without a policy in it, it allows nothing: that is what an ALLOW policy for other ports means here.
    allow: hasAllow ? message('ALLOW', allow) : null,
  };
}

/** As it stands in logs and metrics. */
export function ruleName({ metadata }: AuthorizationPolicy, rule: Rule, index: number): string {
  return `${metadata.namespace}/${metadata.name}/${rule.name ?? index}`;
}

function message(action: Action, policies: Record<string, Policy>): RBAC {
  return create(RBACSchema, { action: WIRE[action], policies });
}

function rulesOf(action: Action, all: readonly AuthorizationPolicy[], place: Place): Record<string, Policy> {
  const policies: Record<string, Policy> = {};
  for (const policy of all) {
    const { spec } = policy;
    if (spec?.action !== action) continue;
    (spec.rules ?? []).forEach((rule, index) => {
      const permissions = permissionsOf(rule, action, place);
      if (permissions.length === 0) return;
      const names = { trustDomain: place.trustDomain, namespace: policy.metadata.namespace ?? '', action };
      const principals = principalsOf(rule, names);
      policies[ruleName(policy, rule, index)] = create(PolicySchema, { permissions, principals });
    });
  }
  return policies;
}

/** One of them must hold; empty: the rule never matches here. */
function permissionsOf({ to = [{}], headers = [] }: Rule, action: Action, place: Place): Permission[] {
  const here = to.filter((operation) => isForPort(operation, place.port));
  if (place.layer === 'http') {
    return here.map((operation) => allOf([permissionOf(operation), ...headers.map(byHeader)]));
  }
  const isRaw = (operation: (typeof here)[number]) => headers.length === 0 && httpFieldsOf(operation).length === 0;
  const any = action === 'DENY' ? here.length > 0 : here.some(isRaw);
  return any ? [ANYTHING] : [];
}

/** A policy that cannot be enforced at a port closes the port, until somebody mends it. */
function refused(
  policies: readonly AuthorizationPolicy[],
  { port, neverHttp, proxyless }: Place,
): Record<string, Policy> {
  const isBeyond = (policy: AuthorizationPolicy): boolean =>
    (neverHttp && unenforceable(policy, port) !== null) || (proxyless && unenforceableByGrpc(policy, port) !== null);
  const closing = policies.filter((policy) => policy.spec?.action !== 'AUDIT' && isBeyond(policy));
  return Object.fromEntries(
    closing.map(({ metadata }) => [
      `${metadata.namespace}/${metadata.name}/cannot be enforced ${proxyless ? 'by gRPC' : 'on TCP'}`,
      create(PolicySchema, { permissions: [ANYTHING], principals: [{ identifier: { case: 'any', value: true } }] }),
    ]),
  );
}

function comparesPath({ spec }: AuthorizationPolicy): boolean {
  return (spec?.rules ?? []).some(({ to = [] }) => to.some(({ paths, notPaths }) => (paths ?? notPaths) !== undefined));
}
