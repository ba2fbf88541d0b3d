/** Envoy's RouteMatch → RouteMatch of the table. */
import type { QueryMatch } from '../query-match.ts';
import type { QueryParameterMatcher, RouteMatch as Message } from '../../xds/tables/messages.gen.ts';
import type { HeaderMatch } from '../../http/match/header.ts';
import { readHeaderMatcher } from '../../xds/matchers/header-matcher.ts';
import { quoted, readStringMatcher, regexMatch } from '../../xds/matchers/string-matcher.ts';
import type { PathMatch, RouteMatch } from '../route-table.ts';
import { invalid } from './problem.ts';
import { readShare } from './share.ts';

const NO_BYTES = new Uint8Array(0);
const ANY_PATH: PathMatch = { kind: 'prefix', value: new Uint8Array(0) };

export function readRouteMatch(where: string, message: Message | undefined): RouteMatch {
  if (message === undefined) throw invalid(where, 'required');
  const headers = message.headers.map((header, i) => readHeaderMatcher(`${where}.headers[${i}]`, header));
  return {
    path: readPath(where, message),
    headers: message.grpc === undefined ? headers : [...headers, grpcContent(where)],
    query: message.queryParameters.map((each, i) => readQuery(`${where}.query_parameters[${i}]`, each)),
    connect: message.pathSpecifier.case === 'connectMatcher',
    fraction: readShare(`${where}.runtime_fraction`, message.runtimeFraction),
  };
}

function readQuery(where: string, message: QueryParameterMatcher): QueryMatch {
  if (message.name === '') throw invalid(`${where}.name`, 'required');
  const name = Buffer.from(message.name, 'utf8');
  const specifier = message.queryParameterMatchSpecifier;
  if (specifier.case !== 'stringMatch') {
    return { name, match: null, value: NO_BYTES, present: specifier.value ?? true };
  }
  const match = readStringMatcher(`${where}.string_match`, specifier.value);
  return { name, match, value: Buffer.from(match.value, 'utf8'), present: true };
}

function readPath(where: string, message: Message): PathMatch {
  const specifier = message.pathSpecifier;
  switch (specifier.case) {
    case undefined:
      throw invalid(`${where}.path_specifier`, 'required');
    case 'connectMatcher':
      return ANY_PATH;
    case 'safeRegex':
      return regexPath(`${where}.safe_regex.regex`, specifier.value.regex);
    case 'pathSeparatedPrefix':
      if (!/^[^?#]+[^?#/]$/.test(specifier.value)) {
        throw invalid(`${where}.path_separated_prefix`, 'must have two characters, no ? or #, and no slash at its end');
      }
      return plainPath(where, 'segment', specifier.value, message.caseSensitive ?? true);
    case 'prefix':
      return plainPath(where, 'prefix', specifier.value, message.caseSensitive ?? true);
    case 'path':
      return plainPath(where, 'exact', specifier.value, message.caseSensitive ?? true);
  }
}

function plainPath(
  where: string,
  kind: 'prefix' | 'exact' | 'segment',
  value: string,
  caseSensitive: boolean,
): PathMatch {
  if (caseSensitive) return { kind, value: Buffer.from(value, 'utf8') };
  const rest = { prefix: '(?:.|\\n)*', exact: '', segment: '(?:/(?:.|\\n)*)?' }[kind];
  return regexPath(where, `(?i)${quoted(value)}${rest}`);
}

function regexPath(where: string, source: string): PathMatch {
  const { regex } = regexMatch(where, source);
  if (regex === null) throw invalid(where, 'not a regex');
  return { kind: 'regex', value: regex };
}

/** Envoy's Grpc::Common::isGrpcRequestHeaders: `application/grpc`, bare or with a `+` and a codec. */
function grpcContent(where: string): HeaderMatch {
  const match = regexMatch(`${where}.grpc`, 'application/grpc(?:\\+.*)?');
  return { name: 'content-type', invert: false, missingIsEmpty: false, range: null, ...match };
}
