/** Envoy's RBAC messages → Rules. Throws a WeftError with the field path. */
import { invalid, unsupported } from '../../xds/problem.ts';
import { type HttpRbac, type NetworkRbac, type Rbac, Rbac_Action as Wire } from '../../xds/tables/messages.gen.ts';
import { HttpRbacPerRouteTable, HttpRbacTable, NetworkRbacTable } from '../../xds/tables/tables.gen.ts';
import { decode, type DecodeOptions } from '../../xds/wire/decode.ts';
import { allOf, type Condition, someOf } from './condition.ts';
import { type Layer, readPermission, readPrincipal } from './read-conditions.ts';
import { ACTION, type Action, type Rules, rulesOf } from './rules.ts';

export interface RbacConfig {
  /** null: everything passes. */
  readonly enforced: Rules | null;
  /** Counted, never enforced. */
  readonly shadow: Rules | null;
}

/** `track_per_rule_stats`: tunes what is counted, decides nothing. */
const HARMLESS_ROOT_FIELD = 7;

const OPTIONS: DecodeOptions = {
  maxBytes: 4 << 20,
  // Bounds the conditions, and with the decoder's depth what one request can cost.
  maxElements: 50_000,
  onUnknown(path, fieldNumber) {
    const isRoot = path === HttpRbacTable.name || path === 'rbac';
    if (!isRoot || fieldNumber !== HARMLESS_ROOT_FIELD) {
      throw unsupported(path, `field ${fieldNumber} of this message is unknown to this proxy`);
    }
  },
};

export function readRbac(config: Uint8Array): RbacConfig {
  return readMessage('', decode(HttpRbacTable, config, OPTIONS), 'http');
}

/** Without a configuration the route is free of the filter. */
export function readRbacPerRoute(config: Uint8Array): RbacConfig {
  const { rbac } = decode(HttpRbacPerRouteTable, config, OPTIONS);
  return rbac === undefined ? { enforced: null, shadow: null } : readMessage('rbac.', rbac, 'http');
}

/** Of `envoy.filters.network.rbac`, which knows the connection and no more. */
export function readNetworkRbac(config: Uint8Array): RbacConfig {
  return readMessage('', decode(NetworkRbacTable, config, OPTIONS), 'tcp');
}

function readMessage(prefix: string, message: HttpRbac | NetworkRbac, layer: Layer): RbacConfig {
  const { rules, shadowRules } = message;
  return {
    enforced: rules === undefined ? null : readRules(`${prefix}rules`, rules, layer),
    shadow: shadowRules === undefined ? null : readRules(`${prefix}shadow_rules`, shadowRules, layer),
  };
}

export function readRules(where: string, message: Rbac, layer: Layer): Rules {
  const conditions = new Map<string, Condition>();
  for (const [name, policy] of message.policies) {
    const at = `${where}.policies[${JSON.stringify(name)}]`;
    if (policy.permissions.length === 0) throw invalid(`${at}.permissions`, 'required');
    if (policy.principals.length === 0) throw invalid(`${at}.principals`, 'required');
    const what = policy.permissions.map((each, i) => readPermission(`${at}.permissions[${i}]`, each, layer));
    const who = policy.principals.map((each, i) => readPrincipal(`${at}.principals[${i}]`, each, layer));
    conditions.set(name, allOf([someOf(who), someOf(what)]));
  }
  return rulesOf(readAction(`${where}.action`, message.action), conditions);
}

function readAction(where: string, action: number): Action {
  switch (action) {
    case Wire.ALLOW:
      return ACTION.allow;
    case Wire.DENY:
      return ACTION.deny;
    case Wire.LOG:
      return ACTION.log;
    default:
      throw unsupported(where, `action ${action} is unknown to this proxy`);
  }
}
