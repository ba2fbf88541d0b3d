/** RouteConfiguration → RouteTable. Throws a WeftError with the field path. */
import type { Route, RouteConfiguration, VirtualHost as HostMessage } from '../../xds/tables/messages.gen.ts';
import { VirtualHost_TlsRequirementType } from '../../xds/tables/messages.gen.ts';
import { RouteConfigurationTable, VirtualHostTable } from '../../xds/tables/tables.gen.ts';
import { compileRoutes } from '../match-route.ts';
import { type MirrorPolicy, NO_MIRRORS } from '../mirror-policy.ts';
import type { FilterOverride, RouteEntry, RouteTable, UseMark, VirtualHost } from '../route-table.ts';
import { expectAds } from './config-source.ts';
import { decodeConfig } from './decode-config.ts';
import { type FilterModules, mergeOverrides, readOverrides } from './http-filters.ts';
import { readHedgePolicy } from './hedge-policy.ts';
import { shownMetadata, weftText } from './metadata.ts';
import { readMirrors } from './mirror-policies.ts';
import { invalid, unsupported } from './problem.ts';
import { readRetryPolicy } from './retry-policy.ts';
import { mergeEdits, readHeaderEdits } from './header-edits.ts';
import { type HostDefaults, readRouteAction } from './route-action.ts';
import { readSplit } from './route-split.ts';
import { readRouteMatch } from './route-match.ts';

/** RFC 3339. Envoy leaves it unread: there faults end when the control plane takes them away. */
const FAULTS_UNTIL = 'faultsUntil';

export function readRoutes(bytes: Uint8Array, modules: FilterModules): RouteTable {
  return readRouteConfiguration('', decodeConfig(RouteConfigurationTable, bytes), modules);
}

/** `where` is the path of the message, empty at the root. */
export function readRouteConfiguration(where: string, message: RouteConfiguration, modules: FilterModules): RouteTable {
  const at = where === '' ? '' : `${where}.`;
  const edits = readHeaderEdits(where, message);
  const mirrors = readMirrors(`${at}request_mirror_policies`, message.requestMirrorPolicies, NO_MIRRORS);
  const ids = { next: 0 };
  const overrides = readOverrides(`${at}typed_per_filter_config`, message.typedPerFilterConfig, modules);
  const maxDirectBytes = message.maxDirectResponseBodySizeBytes ?? MAX_DIRECT_BYTES;
  const mostSpecificWins = message.mostSpecificHeaderMutationsWins;
  const hosts = message.virtualHosts.map((host, i) =>
    readHost(
      `${at}virtual_hosts[${i}].`,
      host,
      { overrides, edits, mostSpecificWins, mirrors, maxDirectBytes },
      modules,
      ids,
      null,
    ),
  );
  const { vhds } = message;
  if (vhds !== undefined) expectAds(`${at}vhds.config_source`, vhds.configSource);
  return compileRoutes({
    name: message.name,
    hosts,
    ignorePort: message.ignorePortInHostMatching,
    onDemand: vhds !== undefined,
  });
}

/** One that came by itself. What its RouteConfiguration says for all hosts does not reach it: Weft says nothing there. */
export function readVirtualHost(bytes: Uint8Array, modules: FilterModules): VirtualHost {
  return readHost('', decodeConfig(VirtualHostTable, bytes), NOTHING_ABOVE, modules, { next: 0 }, { used: true });
}

/** What the table says for all its hosts. */
interface TableDefaults {
  readonly overrides: readonly FilterOverride[];
  readonly edits: ReturnType<typeof readHeaderEdits>;
  readonly mostSpecificWins: boolean;
  readonly mirrors: readonly MirrorPolicy[];
  readonly maxDirectBytes: number;
}

/** To Envoy nobody is inside unless `internal_address_config` says who: `EXTERNAL_ONLY` is everybody. */
const TLS_REQUIREMENTS: ReadonlySet<number> = new Set(Object.values(VirtualHost_TlsRequirementType));

/** Envoy's default. */
const MAX_DIRECT_BYTES = 4_096;

const NO_EDITS = { add: [], remove: [], formatted: false };
const NOTHING_ABOVE: TableDefaults = {
  overrides: [],
  edits: { request: NO_EDITS, response: NO_EDITS },
  mostSpecificWins: false,
  mirrors: NO_MIRRORS,
  maxDirectBytes: MAX_DIRECT_BYTES,
};

/** `at` is the path of the message, with the dot that follows it. */
function readHost(
  at: string,
  message: HostMessage,
  above: TableDefaults,
  modules: FilterModules,
  ids: { next: number },
  mark: UseMark | null,
): VirtualHost {
  const where = at.slice(0, -1);
  if (message.name === '') throw invalid(`${at}name`, 'required');
  if (message.domains.length === 0) throw invalid(`${at}domains`, 'required');
  if (!TLS_REQUIREMENTS.has(message.requireTls)) throw unsupported(`${at}require_tls`);
  const hostEdits = readHeaderEdits(where, message);
  const { retryPolicy, hedgePolicy } = message;
  const defaults: HostDefaults = {
    retry: retryPolicy === undefined ? null : readRetryPolicy(`${at}retry_policy`, retryPolicy),
    hedge: hedgePolicy === undefined ? null : readHedgePolicy(`${at}hedge_policy`, hedgePolicy),
    bufferBytes: message.perRequestBufferLimitBytes,
    countsTries: message.includeRequestAttemptCount,
    maxDirectBytes: above.maxDirectBytes,
    tellsTries: message.includeAttemptCountInResponse,
    mirrors: readMirrors(`${at}request_mirror_policies`, message.requestMirrorPolicies, above.mirrors),
  };
  const overrides = mergeOverrides(
    above.overrides,
    readOverrides(`${at}typed_per_filter_config`, message.typedPerFilterConfig, modules),
  );
  const routes = message.routes.map((route, i): RouteEntry => {
    const place = `${at}routes[${i}]`;
    const levels = [readHeaderEdits(place, route), hostEdits, above.edits];
    const entry: RouteEntry = {
      id: ids.next++,
      info: infoOf(route, message),
      match: readRouteMatch(`${place}.match`, route.match),
      action: readRouteAction(place, route, defaults),
      overrides: mergeOverrides(
        overrides,
        readOverrides(`${place}.typed_per_filter_config`, route.typedPerFilterConfig, modules),
      ),
      mark,
      metadata: shownMetadata(route.metadata),
      edits: mergeEdits(levels, above.mostSpecificWins),
      split: null,
    };
    return { ...entry, split: readSplit(place, route, entry, { levels, ...above }, modules) };
  });
  return { name: message.name, domains: message.domains, routes, requiresTls: message.requireTls !== 0 };
}

function infoOf(route: Route, host: HostMessage): RouteEntry['info'] {
  const origin = weftText(route.metadata, 'origin') || weftText(host.metadata, 'origin');
  const untilMs = Date.parse(weftText(route.metadata, FAULTS_UNTIL));
  const faultsUntilMs = Number.isNaN(untilMs) ? 0 : untilMs;
  return { name: route.name === '' ? host.name : route.name, virtualHost: host.name, origin, faultsUntilMs };
}
