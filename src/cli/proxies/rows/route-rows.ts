/** Routes as rows: one a route, in the order in which they are tried. */
import type {
  HeaderMatcher,
  Route,
  RouteAction,
  RouteMatch,
  VirtualHost,
} from '../../../protos/gen/envoy/config/route/v3/route_components_pb.ts';
import type { RouteConfiguration } from '../../../protos/gen/envoy/config/route/v3/route_pb.ts';

export const ROUTE_COLUMNS = ['ROUTES', 'DOMAINS', 'MATCH', 'TO'] as const;

export interface RouteRow {
  readonly cells: readonly string[];
  /** Where their metadata says that they come from. */
  readonly parts: readonly (Route | VirtualHost)[];
}

export function routeRows(config: Pick<RouteConfiguration, 'name' | 'virtualHosts'>): RouteRow[] {
  return config.virtualHosts.flatMap((host) =>
    host.routes.map((route) => ({
      cells: [config.name, domainsText(host.domains), matchText(route.match), actionText(route)],
      parts: [route, host],
    })),
  );
}

function domainsText(domains: readonly string[]): string {
  const [first = '', ...more] = domains;
  return more.length === 0 ? first : `${first} +${more.length}`;
}

function matchText(match: RouteMatch | undefined): string {
  if (match === undefined) return '';
  const parts = [pathText(match.pathSpecifier), ...match.headers.map(headerText)];
  for (const { name } of match.queryParameters) parts.push(`?${name}`);
  const fraction = match.runtimeFraction?.defaultValue;
  if (fraction !== undefined)
    parts.push(`${fraction.numerator} of ${['100', '10000', '1000000'][fraction.denominator]}`);
  return parts.join(' ');
}

function pathText(path: RouteMatch['pathSpecifier']): string {
  switch (path.case) {
    case 'prefix':
      return path.value === '/' ? '/*' : `${path.value}*`;
    case 'pathSeparatedPrefix':
      return `${path.value}/*`;
    case 'path':
      return path.value;
    case 'safeRegex':
      return `~${path.value.regex}`;
    case 'connectMatcher':
      return 'CONNECT';
    default:
      return '';
  }
}

function headerText({ name, headerMatchSpecifier: match, invertMatch }: HeaderMatcher): string {
  const not = invertMatch ? '!' : '';
  if (match.case === 'stringMatch') {
    const { matchPattern } = match.value;
    const value = typeof matchPattern.value === 'string' ? matchPattern.value : `~${matchPattern.case}`;
    const shown = matchPattern.case === 'safeRegex' ? `~${matchPattern.value.regex}` : value;
    return `${not}${name}=${matchPattern.case === 'prefix' ? `${shown}*` : shown}`;
  }
  return `${not}${name}`;
}

function actionText({ action }: Route): string {
  switch (action.case) {
    case 'route':
      return clustersText(action.value);
    case 'redirect':
      return 'redirect';
    case 'directResponse':
      return `answer ${action.value.status}`;
    case 'nonForwardingAction':
      return 'the application';
    default:
      return '';
  }
}

function clustersText({ clusterSpecifier: to }: RouteAction): string {
  if (to.case === 'cluster') return to.value;
  if (to.case !== 'weightedClusters') return to.case ?? '';
  return to.value.clusters.map(({ name, weight }) => `${name} (${weight ?? 0})`).join(', ');
}
