/**
 * The order in which the rules of all HTTPRoutes of a Service are tried, as Gateway API prescribes it: exact path, then
 * the longest prefix, then regular expressions, then a method, then the number of headers; ties by age, then by name.
 */
import type { HttpRoute, HttpRouteMatch, HttpRouteRule } from '../../../api/kinds/http-route.ts';

export interface RankedMatch {
  readonly route: HttpRoute;
  readonly rule: HttpRouteRule;
  readonly ruleIndex: number;
  readonly match: HttpRouteMatch;
  readonly matchIndex: number;
}

const ANY: HttpRouteMatch = {};

export function rankedMatches(routes: readonly HttpRoute[]): RankedMatch[] {
  const matches: RankedMatch[] = [];
  for (const route of routes) {
    (route.spec?.rules ?? []).forEach((rule, ruleIndex) => {
      const alternatives = rule.matches === undefined || rule.matches.length === 0 ? [ANY] : rule.matches;
      alternatives.forEach((match, matchIndex) => matches.push({ route, rule, ruleIndex, match, matchIndex }));
    });
  }
  return matches.toSorted(compare);
}

function compare(a: RankedMatch, b: RankedMatch): number {
  return (
    pathRank(b.match) - pathRank(a.match) ||
    pathLength(b.match) - pathLength(a.match) ||
    Number(b.match.method !== undefined) - Number(a.match.method !== undefined) ||
    (b.match.headers?.length ?? 0) - (a.match.headers?.length ?? 0) ||
    byText(age(a.route), age(b.route)) ||
    byText(fullName(a.route), fullName(b.route)) ||
    a.ruleIndex - b.ruleIndex ||
    a.matchIndex - b.matchIndex
  );
}

/** Where regular expressions stand is left to the implementation: after the literal paths, as Envoy Gateway has them. */
function pathRank(match: HttpRouteMatch): number {
  if (match.path?.type === 'Exact') return 2;
  return match.path?.type === 'RegularExpression' ? 0 : 1;
}

function pathLength(match: HttpRouteMatch): number {
  return (match.path?.value ?? '/').length;
}

function age(route: HttpRoute): string {
  return route.metadata.creationTimestamp ?? '';
}

function fullName(route: HttpRoute): string {
  return `${route.metadata.namespace ?? ''}/${route.metadata.name}`;
}

function byText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
