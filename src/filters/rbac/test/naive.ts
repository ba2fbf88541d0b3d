/** What a set of rules says, written down once more in the plainest way: on messages and strings, without any cache. */
import { quoted } from '../../../xds/matchers/string-matcher.ts';
import {
  type HeaderMatcher,
  type Permission,
  type Principal,
  type Rbac,
  Rbac_Action,
  type StringMatcher,
} from '../../../xds/tables/messages.gen.ts';
import type { Facts } from '../../../http/filter.ts';

export interface NaiveRequest {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly fields: readonly (readonly [string, string])[];
}

/** One reading of a request: a path, and at most one value a name. */
interface Reading extends Omit<NaiveRequest, 'fields'> {
  readonly values: ReadonlyMap<string, string>;
}

export function naiveAllows(rules: Rbac, request: NaiveRequest, facts: Facts): boolean {
  return readingsOf(request).every((reading) => {
    const matched = [...rules.policies.values()].some(
      ({ permissions, principals }) =>
        permissions.some((each) => permits(each, reading, facts)) &&
        principals.some((each) => is(each, reading, facts)),
    );
    if (rules.action === Rbac_Action.LOG) return true;
    return rules.action === Rbac_Action.DENY ? !matched : matched;
  });
}

function readingsOf(request: NaiveRequest): Reading[] {
  const names = [...new Set(request.fields.map(([name]) => name))];
  const all = new Map(
    names.map((name) => [name, request.fields.filter(([other]) => other === name).map(([, v]) => v)]),
  );
  const most = Math.max(1, ...[...all.values()].map((values) => values.length));
  const choices = [
    new Map([...all].map(([name, values]) => [name, values.join(',')])),
    ...Array.from(
      { length: most },
      (_, nth) => new Map([...all].map(([name, values]) => [name, values[nth] ?? values[0] ?? ''])),
    ),
  ];
  return [...new Set([request.path, strict(request.path), lenient(request.path)])].flatMap((path) =>
    choices.map((values) => ({ method: request.method, authority: request.authority, path, values })),
  );
}

export function strict(target: string): string {
  return onPath(target, (path) =>
    resolveDots(
      path.replace(/%[0-9a-f]{2}/gi, (escape) => (/^[\w.~-]$/.test(unescape(escape)) ? unescape(escape) : escape)),
    ),
  );
}

export function lenient(target: string): string {
  return onPath(target, (path) =>
    resolveDots(
      path
        .replace(/;[^/\\]*/g, '')
        .replace(/%[0-9a-f]{2}/gi, unescape)
        .replace(/\\/g, '/')
        .replace(/\/{2,}/g, '/'),
    ),
  );
}

function unescape(escape: string): string {
  return String.fromCharCode(Number.parseInt(escape.slice(1), 16));
}

function onPath(target: string, change: (path: string) => string): string {
  const query = target.indexOf('?');
  return query < 0 ? change(target) : change(target.slice(0, query)) + target.slice(query);
}

/** RFC 3986 section 5.2.4, one segment after the other. */
function resolveDots(path: string): string {
  const out: string[] = [];
  const segments = path.split('/').slice(1);
  for (const [i, segment] of segments.entries()) {
    const isLast = i === segments.length - 1;
    if (segment === '..') out.pop();
    if (segment !== '.' && segment !== '..') out.push(segment);
    else if (isLast) out.push('');
  }
  return `/${out.join('/')}`;
}

function permits({ rule }: Permission, request: Reading, facts: Facts): boolean {
  switch (rule.case) {
    case 'any':
      return true;
    case 'andRules':
      return rule.value.rules.every((each) => permits(each, request, facts));
    case 'orRules':
      return rule.value.rules.some((each) => permits(each, request, facts));
    case 'notRule':
      return !permits(rule.value, request, facts);
    case 'header':
      return headerMatches(rule.value, request);
    case 'urlPath':
      return textMatches(rule.value.rule.value, request.path.split('?')[0] ?? '');
    case 'destinationPort':
      return facts.destinationPort === rule.value;
    case 'destinationPortRange':
      return facts.destinationPort >= rule.value.start && facts.destinationPort < rule.value.end;
    case 'requestedServerName':
      return textMatches(rule.value, facts.serverName);
    default:
      throw new Error(`not made here: ${rule.case}`);
  }
}

function is({ identifier }: Principal, request: Reading, facts: Facts): boolean {
  switch (identifier.case) {
    case 'any':
      return true;
    case 'andIds':
      return identifier.value.ids.every((each) => is(each, request, facts));
    case 'orIds':
      return identifier.value.ids.some((each) => is(each, request, facts));
    case 'notId':
      return !is(identifier.value, request, facts);
    case 'authenticated': {
      const name = identifier.value.principalName;
      return facts.peerUris.some((uri) => name === undefined || textMatches(name, uri));
    }
    case 'header':
      return headerMatches(identifier.value, request);
    case 'urlPath':
      return textMatches(identifier.value.rule.value, request.path.split('?')[0] ?? '');
    default:
      throw new Error(`not made here: ${identifier.case}`);
  }
}

function headerMatches(matcher: HeaderMatcher, request: Reading): boolean {
  const special = new Map([
    [':method', request.method],
    [':path', request.path],
    [':authority', request.authority],
  ]).get(matcher.name);
  const value = special ?? request.values.get(matcher.name);
  if (value === undefined) return false;
  return textMatches(matcher.headerMatchSpecifier.value as StringMatcher, value) !== matcher.invertMatch;
}

function textMatches(matcher: StringMatcher | undefined, value: string): boolean {
  const pattern = matcher?.matchPattern;
  switch (pattern?.case) {
    case 'exact':
      return fits(quoted(pattern.value), value, matcher);
    case 'prefix':
      return fits(`${quoted(pattern.value)}[^]*`, value, matcher);
    case 'suffix':
      return fits(`[^]*${quoted(pattern.value)}`, value, matcher);
    case 'contains':
      return fits(`[^]*${quoted(pattern.value)}[^]*`, value, matcher);
    case 'safeRegex':
      return fits(`(?:${pattern.value.regex})`, value, matcher);
    default:
      throw new Error('no pattern');
  }
}

function fits(source: string, value: string, matcher: StringMatcher | undefined): boolean {
  return new RegExp(`^${source}$`, matcher?.ignoreCase === true ? 'i' : '').test(value);
}
