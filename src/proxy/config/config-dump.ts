/**
 * What the proxy holds, as Envoy's admin endpoint tells it (envoy.admin.v3.ConfigDump in JSON), so that tools made for
 * Envoy read it. Keys are never shown.
 */
import { tableOfVirtualHost } from '../../snapshot/virtual-hosts.ts';
import type { ReceivedResource } from '../../xds/client/received.ts';
import type { ResourceState } from '../../xds/client/subscription.ts';
import { TYPE_URLS } from '../../xds/resource.ts';
import { anyTable } from '../../xds/tables/any-tables.ts';
import { anyToJson } from '../../xds/wire/encode-json.ts';
import type { JsonObject, JsonValue } from '../../xds/wire/json.ts';

const ADMIN = 'type.googleapis.com/envoy.admin.v3.';
const REDACTED = '[redacted]';

export interface DumpedConfig {
  /** The bootstrap, as a message in JSON. */
  readonly bootstrap: JsonObject;
  /** Resources that stand in the bootstrap. */
  readonly statics: readonly ReceivedResource[];
  readonly loadedAtMs: number;
  readonly states: readonly ResourceState[];
  /** Received, but waits for what it refers to. */
  readonly isWarming: (type: string, name: string) => boolean;
}

export interface DumpQuery {
  /** Endpoints are left out otherwise, as Envoy leaves them out. */
  readonly includeEds: boolean;
  /** One field of the dumps, such as `dynamic_active_clusters`: its elements alone; null: all. */
  readonly resource: string | null;
  /** Only resources whose name this finds; null: all. */
  readonly nameRegex: RegExp | null;
}

/** The messages of envoy.admin.v3.ConfigDump. */
export function dumpConfig(config: DumpedConfig, query: DumpQuery): JsonObject {
  const isNamed = (name: string): boolean => query.nameRegex?.test(name) ?? true;
  const named = <T extends { readonly name: string }>(all: readonly T[]): readonly T[] =>
    all.filter(({ name }) => isNamed(name));
  const states = named(config.states);
  const statics = named(config.statics);
  const dumps = [
    { '@type': `${ADMIN}BootstrapConfigDump`, bootstrap: config.bootstrap, last_updated: iso(config.loadedAtMs) },
    clusters(config, states, statics),
    ...(query.includeEds ? [endpoints(config, states, statics)] : []),
    listeners(config, states, statics),
    routes(config, states, statics, isNamed),
    secrets(config, states, statics),
  ];
  if (query.resource === null) return { configs: dumps };
  return { configs: dumps.flatMap((dump) => elements(dump as JsonObject, query.resource ?? '')) };
}

/** As messages of their own, which say their types: `static_clusters` holds `ClustersConfigDump.StaticCluster`. */
function elements(dump: JsonObject, field: string): readonly JsonValue[] {
  const value = dump[field];
  const type = ELEMENTS.get(field);
  if (!Array.isArray(value)) return value === undefined || field === '@type' ? [] : [value];
  return value.map((each: JsonObject) => ({ '@type': `${ADMIN}${type}`, ...each }));
}

const ELEMENTS: ReadonlyMap<string, string> = new Map([
  ['static_clusters', 'ClustersConfigDump.StaticCluster'],
  ['dynamic_active_clusters', 'ClustersConfigDump.DynamicCluster'],
  ['dynamic_warming_clusters', 'ClustersConfigDump.DynamicCluster'],
  ['static_listeners', 'ListenersConfigDump.StaticListener'],
  ['dynamic_listeners', 'ListenersConfigDump.DynamicListener'],
  ['static_route_configs', 'RoutesConfigDump.StaticRouteConfig'],
  ['dynamic_route_configs', 'RoutesConfigDump.DynamicRouteConfig'],
  ['static_endpoint_configs', 'EndpointsConfigDump.StaticEndpointConfig'],
  ['dynamic_endpoint_configs', 'EndpointsConfigDump.DynamicEndpointConfig'],
  ['static_secrets', 'SecretsConfigDump.StaticSecret'],
  ['dynamic_active_secrets', 'SecretsConfigDump.DynamicSecret'],
]);

type Section = (
  config: DumpedConfig,
  states: readonly ResourceState[],
  statics: readonly ReceivedResource[],
  isNamed?: (name: string) => boolean,
) => JsonObject;

const clusters: Section = (config, states, statics) => {
  const all = states.filter(({ type }) => type === TYPE_URLS.cluster);
  const warming = all.filter(({ name }) => config.isWarming(TYPE_URLS.cluster, name));
  const active = all.filter((state) => !warming.includes(state));
  return {
    '@type': `${ADMIN}ClustersConfigDump`,
    ...versionOf(all),
    static_clusters: staticsOf(config, statics, TYPE_URLS.cluster, 'cluster'),
    dynamic_active_clusters: active.map((state) => dynamic(state, 'cluster')),
    dynamic_warming_clusters: warming.map((state) => dynamic(state, 'cluster')),
  };
};

const endpoints: Section = (config, states, statics) => ({
  '@type': `${ADMIN}EndpointsConfigDump`,
  static_endpoint_configs: staticsOf(config, statics, TYPE_URLS.endpoints, 'endpoint_config'),
  dynamic_endpoint_configs: dynamics(states, TYPE_URLS.endpoints, 'endpoint_config'),
});

/** A listener that was never accepted is told by its error alone. */
const listeners: Section = (config, states, statics) => {
  const all = states.filter(({ type }) => type === TYPE_URLS.listener);
  return {
    '@type': `${ADMIN}ListenersConfigDump`,
    ...versionOf(all),
    static_listeners: staticsOf(config, statics, TYPE_URLS.listener, 'listener'),
    dynamic_listeners: all.map((state) => {
      const { error_state, client_status, ...held } = dynamic(state, 'listener');
      const at = config.isWarming(TYPE_URLS.listener, state.name) ? 'warming_state' : 'active_state';
      return {
        name: state.name,
        ...(state.held === null ? {} : { [at]: held }),
        ...(error_state === undefined ? {} : { error_state }),
        ...(client_status === undefined ? {} : { client_status }),
      };
    }),
  };
};

const routes: Section = (config, states, statics, isNamed = () => true) => ({
  '@type': `${ADMIN}RoutesConfigDump`,
  static_route_configs: [
    ...staticsOf(config, statics, TYPE_URLS.routes, 'route_config'),
    ...inlineRoutes(config, isNamed),
  ],
  dynamic_route_configs: states
    .filter(({ type }) => type === TYPE_URLS.routes)
    .map((state) => withHosts(dynamic(state, 'route_config'), hostsOf(state.name, states))),
});

/** Tables that stand in listeners, whatever way these came: static in Envoy's words. */
function inlineRoutes(
  { loadedAtMs, states, statics }: DumpedConfig,
  isNamed: (name: string) => boolean,
): readonly JsonObject[] {
  const given = statics.map((resource) => ({ resource, atMs: loadedAtMs }));
  const received = states.flatMap(({ held, updatedAtMs }) =>
    held === null ? [] : [{ resource: held, atMs: updatedAtMs }],
  );
  return [...given, ...received]
    .filter(({ resource }) => resource.type === TYPE_URLS.listener)
    .flatMap(({ resource, atMs }) =>
      tablesIn(body(resource))
        .filter(({ name }) => isNamed(typeof name === 'string' ? name : ''))
        .map((table) => ({
          route_config: { '@type': TYPE_URLS.routes, ...table },
          last_updated: iso(atMs),
        })),
    );
}

function tablesIn(listener: JsonObject): readonly JsonObject[] {
  const chains = [
    listener['filter_chains'] ?? [],
    listener['default_filter_chain'] ?? [],
  ].flat() as readonly JsonObject[];
  return chains
    .flatMap(({ filters }) => (filters ?? []) as readonly JsonObject[])
    .flatMap(
      ({ typed_config: config }) => ((config ?? {}) as JsonObject)['route_config'] ?? [],
    ) as readonly JsonObject[];
}

/** Virtual hosts that came by themselves stand in their table, as in Envoy's dump. */
function withHosts(dump: JsonObject, hosts: readonly JsonObject[]): JsonObject {
  const table = dump['route_config'] as JsonObject;
  if (hosts.length === 0) return dump;
  const own = (table['virtual_hosts'] ?? []) as readonly JsonObject[];
  return { ...dump, route_config: { ...table, virtual_hosts: [...own, ...hosts] } };
}

function hostsOf(table: string, states: readonly ResourceState[]): readonly JsonObject[] {
  return states.flatMap(({ type, name, held }) => {
    if (type !== TYPE_URLS.virtualHosts || held === null || tableOfVirtualHost(name) !== table) return [];
    const { '@type': _, ...host } = body(held);
    return [host];
  });
}

const secrets: Section = (config, states, statics) => {
  const named = (name: string, entry: JsonObject): JsonObject => ({ name, ...entry });
  const dynamicOnes = states.filter(({ type }) => type === TYPE_URLS.secret);
  const given = statics.filter(({ type }) => type === TYPE_URLS.secret);
  return {
    '@type': `${ADMIN}SecretsConfigDump`,
    static_secrets: given.map((resource) =>
      named(resource.name, { last_updated: iso(config.loadedAtMs), secret: body(resource) }),
    ),
    dynamic_active_secrets: dynamicOnes.map((state) => named(state.name, dynamic(state, 'secret'))),
  };
};

function staticsOf(
  { loadedAtMs }: DumpedConfig,
  statics: readonly ReceivedResource[],
  type: string,
  field: string,
): readonly JsonObject[] {
  return statics
    .filter((resource) => resource.type === type)
    .map((resource) => ({ [field]: body(resource), last_updated: iso(loadedAtMs) }));
}

function dynamics(states: readonly ResourceState[], type: string, field: string): readonly JsonObject[] {
  return states.filter((state) => state.type === type).map((state) => dynamic(state, field));
}

const CLIENT_STATUS = { requested: 'REQUESTED', missing: 'DOES_NOT_EXIST', acked: 'ACKED', nacked: 'NACKED' } as const;

/** Version, content, time, and what was refused since. */
function dynamic({ type, state, held, updatedAtMs, refused, name }: ResourceState, field: string): JsonObject {
  const content =
    held === null
      ? { [field]: { '@type': type, [type === TYPE_URLS.endpoints ? 'cluster_name' : 'name']: name } }
      : { version_info: held.version, [field]: body(held), last_updated: iso(updatedAtMs) };
  const error =
    refused === null
      ? {}
      : {
          error_state: {
            failed_configuration: body(refused.resource),
            last_update_attempt: iso(refused.atMs),
            details: refused.reason,
            version_info: refused.resource.version,
          },
        };
  return { ...content, ...error, client_status: CLIENT_STATUS[state] };
}

/** Envoy tells the version of the last response of state-of-the-world streams; of others every resource has its own. */
function versionOf(states: readonly ResourceState[]): JsonObject {
  const versions = new Set(states.flatMap(({ held }) => (held === null ? [] : [held.version])));
  const [version, ...more] = versions;
  return version === undefined || more.length > 0 ? {} : { version_info: version };
}

function body({ type, bytes }: ReceivedResource): JsonObject {
  const json = anyToJson(type, bytes, anyTable);
  return type === TYPE_URLS.secret || type === TYPE_URLS.listener || type === TYPE_URLS.cluster
    ? (redacted(json) as JsonObject)
    : json;
}

/** Private keys, wherever they stand. */
function redacted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(redacted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      name === 'private_key' ? { inline_string: REDACTED } : redacted(member as JsonValue),
    ]),
  );
}

function iso(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
