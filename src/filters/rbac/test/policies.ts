/** RBAC messages in few words, for tests. */
import type {
  HttpRbac,
  Permission,
  Principal,
  Rbac,
  RbacPolicy,
  StringMatcher,
} from '../../../xds/tables/messages.gen.ts';
import { HttpRbacTable } from '../../../xds/tables/tables.gen.ts';
import { encode } from '../../../xds/wire/encode.ts';

type Pattern = StringMatcher['matchPattern'];

export function text(matchPattern: Pattern, ignoreCase = false): StringMatcher {
  return { matchPattern, ignoreCase } as StringMatcher;
}

export const exact = (value: string): StringMatcher => text({ case: 'exact', value });
export const prefix = (value: string): StringMatcher => text({ case: 'prefix', value });

export const ANY: Permission = { rule: { case: 'any', value: true } };
export const ANYBODY: Principal = { identifier: { case: 'any', value: true } };

export function path(match: StringMatcher): Permission {
  return { rule: { case: 'urlPath', value: { rule: { case: 'path', value: match } } } };
}

export function header(name: string, match: StringMatcher, invertMatch = false): Permission {
  const headerMatchSpecifier = { case: 'stringMatch' as const, value: match };
  return {
    rule: { case: 'header', value: { name, headerMatchSpecifier, invertMatch, treatMissingHeaderAsEmpty: false } },
  };
}

export function peer(match: StringMatcher | undefined): Principal {
  return { identifier: { case: 'authenticated', value: { principalName: match } } };
}

export function policy(permissions: readonly Permission[], principals: readonly Principal[] = [ANYBODY]): RbacPolicy {
  return { permissions, principals };
}

export function rules(action: number, policies: Readonly<Record<string, RbacPolicy>>): Rbac {
  return { action, policies: new Map(Object.entries(policies)) };
}

export function httpRbac(enforced: Rbac | undefined, shadow?: Rbac): Uint8Array {
  const message: HttpRbac = { rules: enforced, shadowRules: shadow, shadowRulesStatPrefix: '', rulesStatPrefix: '' };
  return encode(HttpRbacTable, message);
}
