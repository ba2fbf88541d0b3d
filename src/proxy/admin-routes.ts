/**
 * What the admin endpoint answers. Paths of Envoy answer in Envoy's shapes, so that its tools read them; Weft's own views,
 * which tell more, stand under `/weft/`.
 */
import { isLogLevel, type Log, type LogLevel } from '../core/log.ts';
import type { Runtime } from '../core/runtime.ts';
import type { Locality } from '../snapshot/snapshot.ts';
import type { JsonObject } from '../xds/wire/json.ts';
import type { ConfigClient } from './config/config-client.ts';
import type { DataPlane } from './data-plane.ts';
import { type AdminAnswer, type AdminRoutes, jsonAnswer, textAnswer } from './admin/admin-server.ts';
import { certificatesJson, daysUntilExpiry, type ShownIdentity } from './admin/envoy-certs.ts';
import { clustersJson, clustersText, localityJson } from './admin/envoy-clusters.ts';
import {
  envoyStats,
  type ServerFacts,
  type Stat,
  statsJson,
  statsPrometheus,
  statsText,
  weftStats,
} from './admin/envoy-stats.ts';
import { inlineIdentities } from './admin/inline-identities.ts';
import { certificatesView, clustersView, edgesView, statsView } from './admin/views.ts';

export interface AdminWorld {
  readonly runtime: Runtime;
  readonly log: Log;
  readonly plane: DataPlane;
  readonly config: ConfigClient;
  readonly node: { readonly id: string; readonly cluster: string; readonly metadata: JsonObject };
  /** Null: unknown. */
  readonly locality: Locality | null;
  readonly version: string;
  /** `Clock.now()` at the start. */
  readonly startedAt: number;
  /** Why this proxy should get no traffic; empty when it should. */
  readonly unready: () => string;
}

type Route = readonly [string, (query: URLSearchParams) => AdminAnswer];

export function adminRoutes(world: AdminWorld): AdminRoutes {
  return new Map<string, (query: URLSearchParams) => AdminAnswer>([
    ...serverRoutes(world),
    ...configRoutes(world),
    ...statsRoutes(world),
    ...actionRoutes(world),
    ...weftRoutes(world),
  ]);
}

/** Of envoy.admin.v3.ServerInfo. */
function stateName({ plane, unready }: AdminWorld): 'LIVE' | 'DRAINING' | 'INITIALIZING' {
  if (plane.draining) return 'DRAINING';
  return unready() === '' ? 'LIVE' : 'INITIALIZING';
}

function serverRoutes(world: AdminWorld): readonly Route[] {
  const { runtime, node, locality, version, startedAt, plane, unready } = world;
  const uptime = (): string => `${Math.floor((runtime.clock.now() - startedAt) / 1000)}s`;
  return [
    [
      'GET /ready',
      () => {
        const reason = unready();
        // The state in the first line is Envoy's; why, is ours.
        return reason === '' ? textAnswer(200, 'LIVE') : textAnswer(503, `${stateName(world)}\n${reason}`);
      },
    ],
    [
      'GET /server_info',
      () =>
        jsonAnswer({
          version: `weft/${version}`,
          state: stateName(world),
          uptime_current_epoch: uptime(),
          uptime_all_epochs: uptime(),
          hot_restart_version: 'disabled',
          command_line_options: {},
          node: {
            id: node.id,
            cluster: node.cluster,
            metadata: node.metadata,
            ...(locality === null ? {} : { locality: localityJson(locality) }),
            user_agent_name: 'weft',
          },
        }),
    ],
    [
      'GET /listeners',
      (query) => {
        const bound = plane.listeners.addresses.map(({ name, address, more }) => ({ name, ...address, more }));
        if (query.get('format') !== 'json') {
          return textAnswer(
            200,
            bound
              .flatMap(({ name, more, ...own }) => [own, ...more].map(({ host, port }) => `${name}::${host}:${port}`))
              .join('\n'),
          );
        }
        const local = (host: string, port: number) => ({ socket_address: { address: host, port_value: port } });
        return jsonAnswer({
          listener_statuses: bound.map(({ name, host, port, more }) => ({
            name,
            local_address: local(host, port),
            ...(more.length === 0 ? {} : { additional_local_addresses: more.map((at) => local(at.host, at.port)) }),
          })),
        });
      },
    ],
  ];
}

function configRoutes({ runtime, plane, config }: AdminWorld): readonly Route[] {
  return [
    ['GET /config_dump', (query) => configDump(config, query)],
    [
      'GET /clusters',
      (query) =>
        query.get('format') === 'json'
          ? jsonAnswer(clustersJson(plane.clusters.current.values()))
          : { ...textAnswer(200, ''), body: clustersText(plane.clusters.current.values()) },
    ],
    ['GET /certs', () => jsonAnswer(certificatesJson(shownBy(plane), runtime.clock.wall()))],
    ['GET /csds', () => ({ status: 200, type: 'application/x-protobuf', body: config.status(true) })],
  ];
}

const MAX_REGEX_LENGTH = 200;

function configDump(config: ConfigClient, query: URLSearchParams): AdminAnswer {
  if (query.has('mask')) return textAnswer(400, 'mask is not supported: leave it out');
  const pattern = query.get('name_regex');
  const nameRegex = pattern === null ? null : regexOf(pattern);
  if (nameRegex === undefined) return textAnswer(400, 'name_regex is no regular expression');
  return jsonAnswer(
    config.configDump({ includeEds: query.has('include_eds'), resource: query.get('resource'), nameRegex }),
  );
}

function regexOf(pattern: string): RegExp | undefined {
  if (pattern.length > MAX_REGEX_LENGTH) return undefined;
  try {
    return new RegExp(pattern);
  } catch {
    return undefined;
  }
}

function statsRoutes(world: AdminWorld): readonly Route[] {
  const { plane } = world;
  const prometheus = (): AdminAnswer => ({
    status: 200,
    type: 'text/plain; version=0.0.4',
    body: `${plane.telemetry.prometheus()}${statsPrometheus(envoyStats(factsOf(world)))}`,
  });
  return [
    [
      'GET /stats',
      (query) => {
        const format = query.get('format');
        if (format === 'prometheus') return prometheus();
        const filter = regexOf(query.get('filter') ?? '');
        if (filter === undefined) return textAnswer(400, 'filter is no regular expression');
        const all: readonly Stat[] = [...envoyStats(factsOf(world)), ...weftStats(plane.telemetry)];
        const isShown = ({ name, value }: Stat): boolean =>
          filter.test(name) && (!query.has('usedonly') || value !== 0);
        const shown = all.filter(isShown);
        return format === 'json' ? jsonAnswer(statsJson(shown)) : { ...textAnswer(200, ''), body: statsText(shown) };
      },
    ],
    ['GET /stats/prometheus', prometheus],
  ];
}

function shownBy({ identity, listeners, clusters }: DataPlane): readonly ShownIdentity[] {
  const inline = inlineIdentities(
    listeners.active.map(({ config }) => config),
    [...clusters.current.values()].map(({ config }) => config),
  );
  return [...identity.shown(), ...inline];
}

function factsOf({ runtime, plane, config, startedAt, unready }: AdminWorld): ServerFacts {
  return {
    clusters: plane.clusters.current.values(),
    listeners: plane.listeners.active,
    addresses: plane.listeners.addresses,
    telemetry: plane.telemetry,
    live: unready() === '',
    draining: plane.draining,
    connectedToControlPlane: config.connected,
    uptimeMs: runtime.clock.now() - startedAt,
    bindFailures: plane.listeners.failures.length,
    warmingClusters: config.warmingClusters,
    daysUntilExpiry: daysUntilExpiry(shownBy(plane), runtime.clock.wall()),
  };
}

/** Envoy's names of levels that we call otherwise. */
const LEVELS: Readonly<Record<string, LogLevel>> = {
  trace: 'debug',
  warning: 'warn',
  critical: 'error',
  off: 'silent',
};

function actionRoutes({ log, plane }: AdminWorld): readonly Route[] {
  return [
    [
      'POST /drain_listeners',
      (query) => {
        void plane.drain(0, query.has('inboundonly') ? 'inbound' : 'all');
        return textAnswer(200, 'OK');
      },
    ],
    [
      'POST /logging',
      (query) => {
        const wanted = query.get('level') ?? query.get('paths')?.split(':').at(-1) ?? '';
        const level = LEVELS[wanted] ?? wanted;
        if (wanted !== '' && !isLogLevel(level)) return textAnswer(400, `${wanted} is no level`);
        if (isLogLevel(level)) log.setLevel(level);
        return textAnswer(200, `active loggers:\n  weft: ${log.level}`);
      },
    ],
  ];
}

function weftRoutes({ runtime, plane, config }: AdminWorld): readonly Route[] {
  const { clock } = runtime;
  const { telemetry } = plane;
  return [
    ['GET /weft/stats', () => jsonAnswer(statsView(telemetry))],
    ['GET /weft/clusters', () => jsonAnswer(clustersView(plane.clusters, clock.now()))],
    ['GET /weft/certs', () => jsonAnswer(certificatesView(plane.identity))],
    ['GET /edges', () => jsonAnswer(edgesView(telemetry, clock.wall()))],
    [
      'POST /weft/demand',
      (query) => {
        const [authority, cluster] = [query.get('authority'), query.get('cluster')];
        if (authority !== null) return jsonAnswer({ standing: config.demands.askHost(authority) });
        return cluster === null
          ? textAnswer(400, 'authority or cluster?')
          : jsonAnswer({ standing: config.demands.askCluster(cluster) });
      },
    ],
    [
      'POST /drain',
      () => {
        void plane.drain(0);
        return textAnswer(200, 'draining');
      },
    ],
  ];
}
