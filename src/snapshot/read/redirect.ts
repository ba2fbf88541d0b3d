/** Envoy's RedirectAction → Redirect. */
import type { RedirectAction, RouteMatch } from '../../xds/tables/messages.gen.ts';
import { RedirectAction_RedirectResponseCode as Code } from '../../xds/tables/messages.gen.ts';
import type { PathRewrite, Redirect } from '../route-edits.ts';
import { invalid, unsupported } from './problem.ts';
import { readSubstitution } from './substitution.ts';

const STATUS: ReadonlyMap<number, number> = new Map([
  [Code.MOVED_PERMANENTLY, 301],
  [Code.FOUND, 302],
  [Code.SEE_OTHER, 303],
  [Code.TEMPORARY_REDIRECT, 307],
  [Code.PERMANENT_REDIRECT, 308],
]);

export function readRedirect(where: string, message: RedirectAction, match: RouteMatch | undefined): Redirect {
  const status = STATUS.get(message.responseCode);
  if (status === undefined) throw unsupported(`${where}.response_code`);
  const path = message.pathRewriteSpecifier;
  if (message.portRedirect > 65_535) throw invalid(`${where}.port_redirect`, `${message.portRedirect} is not a port`);
  return {
    status,
    scheme: readScheme(where, message),
    host: message.hostRedirect,
    port: message.portRedirect,
    path: path.case === 'pathRedirect' && path.value !== '' ? path.value : null,
    rewrite: readPathRewrite(where, path, match),
    stripQuery: message.stripQuery,
  };
}

function readScheme(where: string, { schemeRewriteSpecifier: scheme }: RedirectAction): Redirect['scheme'] {
  if (scheme.case === undefined) return '';
  if (scheme.case === 'httpsRedirect') return scheme.value ? 'https' : '';
  if (scheme.value === 'http' || scheme.value === 'https' || scheme.value === '') return scheme.value;
  throw unsupported(`${where}.scheme_redirect`, 'http or https');
}

function readPathRewrite(
  where: string,
  path: RedirectAction['pathRewriteSpecifier'],
  match: RouteMatch | undefined,
): PathRewrite | null {
  if (path.case === 'prefixRewrite') return { kind: 'matched', to: path.value, matched: matchedLength(match) };
  if (path.case !== 'regexRewrite') return null;
  return { kind: 'regex', regex: readSubstitution(`${where}.regex_rewrite`, path.value) };
}

/** For both kinds of actions. What a prefix matched is the prefix, whatever the case of its letters; of other matches it is the whole path. */
export function matchedLength(match: RouteMatch | undefined): number {
  const specifier = match?.pathSpecifier;
  const isPrefix = specifier?.case === 'prefix' || specifier?.case === 'pathSeparatedPrefix';
  return isPrefix ? Buffer.byteLength(specifier.value) : -1;
}
