/**
 * Envoy's Permission and Principal → Condition. What cannot be honoured is refused with its path: a condition that is
 * dropped lets more through.
 */
import { compileHeader } from '../../http/match/header.ts';
import { readHeaderMatcher } from '../../xds/matchers/header-matcher.ts';
import { readStringMatcher } from '../../xds/matchers/string-matcher.ts';
import { invalid, unsupported } from '../../xds/problem.ts';
import type {
  HeaderMatcher,
  PathMatcher,
  Permission,
  Principal,
  StringMatcher,
} from '../../xds/tables/messages.gen.ts';
import { readAddressRange } from '../../xds/matchers/address-range.ts';
import { ALWAYS, allOf, type Condition, notOf, someOf } from './condition.ts';

const MAX_PORT = 65_535;

/** Which leaves a filter has an answer to. */
export type Layer = 'http' | 'tcp';

export function readPermission(where: string, { rule }: Permission, layer: Layer): Condition {
  const at = (field: string): string => `${where}.${field}`;
  switch (rule.case) {
    case undefined:
      throw unsupported(where, 'a permission of no kind that this proxy knows');
    case 'andRules':
      return allOf(readSet(at('and_rules'), rule.value.rules, (path, each) => readPermission(path, each, layer)));
    case 'orRules':
      return someOf(readSet(at('or_rules'), rule.value.rules, (path, each) => readPermission(path, each, layer)));
    case 'notRule':
      return notOf(readPermission(at('not_rule'), rule.value, layer));
    case 'any':
      return readAny(at('any'), rule.value);
    case 'header':
      return readHeader(at('header'), rule.value, layer);
    case 'urlPath':
      return readPath(at('url_path'), rule.value, layer);
    case 'destinationIp':
      return { kind: 'local', range: readAddressRange(at('destination_ip'), rule.value) };
    case 'destinationPort':
      if (rule.value > MAX_PORT) throw invalid(at('destination_port'), `${rule.value} is not a port`);
      return { kind: 'port', from: rule.value, to: rule.value + 1 };
    case 'destinationPortRange':
      return readPorts(at('destination_port_range'), rule.value);
    case 'requestedServerName':
      return { kind: 'server-name', ...readText(at('requested_server_name'), rule.value) };
    case 'metadata':
      throw unsupported(at('metadata'), 'no filter of this proxy sets metadata');
  }
}

export function readPrincipal(where: string, { identifier }: Principal, layer: Layer): Condition {
  const at = (field: string): string => `${where}.${field}`;
  switch (identifier.case) {
    case undefined:
      throw unsupported(where, 'a principal of no kind that this proxy knows');
    case 'andIds':
      return allOf(readSet(at('and_ids'), identifier.value.ids, (path, each) => readPrincipal(path, each, layer)));
    case 'orIds':
      return someOf(readSet(at('or_ids'), identifier.value.ids, (path, each) => readPrincipal(path, each, layer)));
    case 'notId':
      return notOf(readPrincipal(at('not_id'), identifier.value, layer));
    case 'any':
      return readAny(at('any'), identifier.value);
    case 'authenticated': {
      const name = identifier.value.principalName;
      if (name === undefined) return { kind: 'peer', match: null, value: new Uint8Array(0) };
      return { kind: 'peer', ...readText(at('authenticated.principal_name'), name) };
    }
    // The proxy takes nobody's word in x-forwarded-for for who connects; a listener may take a PROXY header's.
    case 'sourceIp':
      return { kind: 'remote', range: readAddressRange(at('source_ip'), identifier.value) };
    case 'directRemoteIp':
      return { kind: 'direct', range: readAddressRange(at('direct_remote_ip'), identifier.value) };
    case 'remoteIp':
      return { kind: 'remote', range: readAddressRange(at('remote_ip'), identifier.value) };
    case 'header':
      return readHeader(at('header'), identifier.value, layer);
    case 'urlPath':
      return readPath(at('url_path'), identifier.value, layer);
    case 'metadata':
      throw unsupported(at('metadata'), 'no filter of this proxy sets metadata');
  }
}

function readSet<T>(where: string, of: readonly T[], read: (where: string, each: T) => Condition): Condition[] {
  if (of.length === 0) throw invalid(where, 'an empty set');
  const field = where.endsWith('_ids') ? 'ids' : 'rules';
  return of.map((each, i) => read(`${where}.${field}[${i}]`, each));
}

function readAny(where: string, value: boolean): Condition {
  if (!value) throw invalid(where, 'must be true');
  return ALWAYS;
}

function readHeader(where: string, matcher: HeaderMatcher, layer: Layer): Condition {
  if (layer === 'tcp') throw unsupported(where, 'a TCP connection has no header');
  return { kind: 'header', header: compileHeader(readHeaderMatcher(where, matcher)) };
}

function readPath(where: string, matcher: PathMatcher, layer: Layer): Condition {
  if (layer === 'tcp') throw unsupported(where, 'a TCP connection has no path');
  const { rule } = matcher;
  if (rule.case === undefined) throw invalid(`${where}.path`, 'required');
  return { kind: 'path', ...readText(`${where}.path`, rule.value) };
}

function readPorts(where: string, { start, end }: { readonly start: number; readonly end: number }): Condition {
  if (start < 0 || end > MAX_PORT + 1 || start >= end) throw invalid(where, `no port is in [${start}, ${end})`);
  return { kind: 'port', from: start, to: end };
}

function readText(where: string, matcher: StringMatcher) {
  const match = readStringMatcher(where, matcher);
  return { match, value: Buffer.from(match.value, 'utf8') };
}
