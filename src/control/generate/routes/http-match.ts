/** One HTTPRoute match as an xDS route match. A method is a match on the pseudo-header `:method`. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HttpHeaderMatch, HttpPathMatch, HttpRouteMatch } from '../../../api/kinds/http-route.ts';
import type {
  HeaderMatcherSchema,
  RouteMatchSchema,
} from '../../../protos/gen/envoy/config/route/v3/route_components_pb.ts';

type RouteMatchInit = MessageInitShape<typeof RouteMatchSchema>;
type HeaderMatcherInit = MessageInitShape<typeof HeaderMatcherSchema>;

/** Safe to send twice: RFC 9110 section 9.2.2. */
const IDEMPOTENT = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE'];

export const ANY_PATH: RouteMatchInit = { pathSpecifier: { case: 'prefix', value: '/' } };
export const CONNECT_MATCH: RouteMatchInit = { pathSpecifier: { case: 'connectMatcher', value: {} } };

/** Whether any request of this match could be, or could not be, idempotent. */
export function idempotence(match: HttpRouteMatch): 'always' | 'never' | 'depends' {
  if (match.method === undefined) return 'depends';
  return IDEMPOTENT.includes(match.method) ? 'always' : 'never';
}

export function routeMatch(match: HttpRouteMatch, idempotentOnly: boolean): RouteMatchInit {
  const headers: HeaderMatcherInit[] = (match.headers ?? []).map(headerMatch);
  if (match.method !== undefined) headers.push(methodMatch({ case: 'exact', value: match.method }));
  else if (idempotentOnly) {
    headers.push(methodMatch({ case: 'safeRegex', value: { regex: IDEMPOTENT.join('|') } }));
  }
  return { pathSpecifier: pathSpecifier(match.path), headers };
}

function pathSpecifier(path: HttpPathMatch | undefined): NonNullable<RouteMatchInit['pathSpecifier']> {
  const value = path?.value ?? '/';
  if (path?.type === 'Exact') return { case: 'path', value };
  if (path?.type === 'RegularExpression') return { case: 'safeRegex', value: { regex: value } };
  // `/` matches everything; Envoy refuses a separated prefix that ends with a slash.
  const bare = value.replace(/\/+$/, '');
  return bare === '' ? { case: 'prefix', value: '/' } : { case: 'pathSeparatedPrefix', value: bare };
}

function headerMatch(match: HttpHeaderMatch): HeaderMatcherInit {
  const pattern: PatternInit =
    match.type === 'RegularExpression'
      ? { case: 'safeRegex', value: { regex: match.value } }
      : { case: 'exact', value: match.value };
  return {
    name: match.name.toLowerCase(),
    headerMatchSpecifier: { case: 'stringMatch', value: { matchPattern: pattern } },
  };
}

type PatternInit =
  | { readonly case: 'exact'; readonly value: string }
  | { readonly case: 'safeRegex'; readonly value: { readonly regex: string } };

function methodMatch(matchPattern: PatternInit): HeaderMatcherInit {
  return { name: ':method', headerMatchSpecifier: { case: 'stringMatch', value: { matchPattern } } };
}
