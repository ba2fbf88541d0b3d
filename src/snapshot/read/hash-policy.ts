/** Envoy's `RouteAction.hash_policy` → HashPolicy[]. */
import { FieldName } from '../../http/field-name.ts';
import type { RouteAction_HashPolicy as Message } from '../../xds/tables/messages.gen.ts';
import type { RouteAction_HashPolicy_Cookie as Cookie } from '../../xds/tables/messages.gen.ts';
import type { RouteAction_HashPolicy_Header as Header } from '../../xds/tables/messages.gen.ts';
import type { CookieHash, HashPolicy, HeaderHash } from '../request-hash.ts';
import { invalid, unsupported, within } from './problem.ts';
import { readSubstitution } from './substitution.ts';

/** What RFC 6265 allows in a cookie's name, and in an attribute. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const ATTRIBUTE = /^[\x20-\x3a\x3c-\x7e]*$/;

export function readHashPolicies(where: string, messages: readonly Message[]): readonly HashPolicy[] {
  return messages.map((message, i) => {
    const { terminal } = message;
    const specifier = message.policySpecifier;
    const at = `${where}[${i}]`;
    switch (specifier.case) {
      case 'header':
        return { ...readHeader(`${at}.header`, specifier.value), terminal };
      case 'cookie':
        return { ...readCookie(`${at}.cookie`, specifier.value), terminal };
      case 'connectionProperties':
        if (!specifier.value.sourceIp) throw invalid(`${at}.connection_properties.source_ip`, 'must be true');
        return { kind: 'source', terminal };
      case 'queryParameter':
        if (specifier.value.name === '') throw invalid(`${at}.query_parameter.name`, 'required');
        return { kind: 'query', name: Buffer.from(specifier.value.name, 'utf8'), terminal };
      case undefined:
        throw invalid(`${at}.policy_specifier`, 'required, and of a kind that this proxy knows');
    }
  });
}

function readHeader(where: string, { headerName, regexRewrite }: Header): HeaderHash {
  if (headerName.startsWith(':')) throw unsupported(`${where}.header_name`);
  return {
    kind: 'header',
    name: within(`${where}.header_name`, () => new FieldName(headerName)),
    rewrite: regexRewrite === undefined ? null : readSubstitution(`${where}.regex_rewrite`, regexRewrite),
  };
}

/** As Envoy makes it: HttpOnly unless other attributes are said. */
function readCookie(where: string, cookie: Cookie): CookieHash {
  if (!TOKEN.test(cookie.name)) throw invalid(`${where}.name`, `${JSON.stringify(cookie.name)} is no cookie's name`);
  const ttlMs = cookie.ttl ?? null;
  const parts = ttlMs !== null && ttlMs > 0 ? [`Max-Age=${Math.floor(ttlMs / 1_000)}`] : [];
  if (cookie.path !== '') parts.push(`Path=${cookie.path}`);
  for (const { name, value } of cookie.attributes) parts.push(value === '' ? name : `${name}=${value}`);
  if (cookie.attributes.length === 0) parts.push('HttpOnly');
  for (const part of parts) if (!ATTRIBUTE.test(part)) throw invalid(where, `${JSON.stringify(part)} is no attribute`);
  return {
    kind: 'cookie',
    name: Buffer.from(cookie.name, 'latin1'),
    ttlMs,
    attributes: parts.map((part) => `; ${part}`).join(''),
  };
}
