/**
 * The sections of a bootstrap that speak of the process and not of traffic. Most are about how Envoy itself goes about its
 * statistics and logs; they are taken out here, so that what the field tables do not know is refused.
 */
import { protoName } from '../../xds/wire/field-name.ts';
import type { JsonObject, JsonValue } from '../../xds/wire/json.ts';
import { applyRuntime, isObject, memberOf, type Report, type RuntimeValues, readRuntime } from './runtime-layers.ts';

export interface ProcessSections {
  /** The document without them, its runtime keys resolved. */
  readonly rest: JsonValue;
  /** Downstream connections at a time, of all listeners; null: not said. */
  readonly maxConnections: number | null;
  /** The cluster that the proxy belongs to itself; empty: none is named. */
  readonly localCluster: string;
}

/** They change nothing that a client, a server or a reader of metrics by their names sees. */
const IDLE: ReadonlySet<string> = new Set([
  'application_log_config',
  'deferred_stat_options',
  'enable_dispatcher_stats',
  'flags_path',
  'stats_config',
  'stats_eviction_interval',
  'stats_flush_interval',
  'stats_flush_on_admin',
  'watchdog',
  'watchdogs',
]);
const IDLE_OF_ADMIN: ReadonlySet<string> = new Set(['ignore_global_conn_limit', 'profile_path']);
const CONNECTIONS_KEY = 'overload.global_downstream_max_connections';
const CONNECTIONS_MONITOR = 'envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig';
const INTERNAL_LISTENER = 'envoy.extensions.bootstrap.internal_listener.v3.InternalListener';

export function takeProcessSections(document: JsonValue, report: Report): ProcessSections {
  if (!isObject(document)) return { rest: document, maxConnections: null, localCluster: '' };
  const kept: [string, JsonValue][] = [];
  let runtime: RuntimeValues = new Map();
  let maxConnections: number | null = null;
  let localCluster = '';
  for (const [key, section] of Object.entries(document) as [string, JsonValue][]) {
    const name = protoName(key);
    if (IDLE.has(name)) continue;
    if (name === 'layered_runtime') runtime = readRuntime(section, [key], report);
    else if (name === 'admin') kept.push([key, withoutAdminLogs(section, [key], report)]);
    else if (name === 'bootstrap_extensions') refuseExtensions(section, [key], report);
    else if (name === 'cluster_manager') localCluster = readManager(section, [key], report);
    else if (name === 'overload_manager') maxConnections = readOverload(section, [key], report);
    else kept.push([key, section]);
  }
  const limit = runtime.get(CONNECTIONS_KEY);
  if (limit !== undefined) {
    maxConnections = wholeNumber(limit.value) ?? maxConnections;
    runtime = new Map([...runtime].filter(([key]) => key !== CONNECTIONS_KEY));
  }
  const rest = applyRuntime(Object.fromEntries(kept) as JsonObject, runtime, report);
  return { rest, maxConnections, localCluster };
}

/** Requests to the admin endpoint are not logged: a log that is thrown away is as good as none. */
function withoutAdminLogs(section: JsonValue, path: readonly string[], report: Report): JsonValue {
  if (!isObject(section)) return section;
  const entries = (Object.entries(section) as [string, JsonValue][]).filter(([key, value]) => {
    const name = protoName(key);
    if (name !== 'access_log' && name !== 'access_log_path') return !IDLE_OF_ADMIN.has(name);
    const logs = name === 'access_log' ? listOf(value).map((log) => typedConfig(log)?.['path']) : listOf(value);
    if (logs.some((log) => log !== '/dev/null')) {
      report([...path, key], 'requests to the admin endpoint are not logged: /dev/null is all that can be said');
    }
    return false;
  });
  return Object.fromEntries(entries) as JsonObject;
}

function refuseExtensions(section: JsonValue, path: readonly string[], report: Report): void {
  for (const [i, extension] of listOf(section).entries()) {
    const config = typedConfig(extension);
    const type = typeName(config?.['type_url'] ?? config?.['@type']);
    if (type !== INTERNAL_LISTENER) report([...path, i], `bootstrap_extensions: nothing in this proxy reads ${type}`);
  }
}

/** The local cluster's name. */
function readManager(section: JsonValue, path: readonly string[], report: Report): string {
  let localCluster = '';
  for (const [key, value] of Object.entries(isObject(section) ? section : {})) {
    const name = protoName(key);
    if (name === 'enable_deferred_cluster_creation') continue;
    if (name === 'local_cluster_name' && typeof value === 'string') {
      localCluster = value;
      continue;
    }
    const log = memberOf(value as JsonValue, 'event_log_path')?.value;
    if (name === 'outlier_detection' && log === '/dev/null') continue;
    report([...path, key], `cluster_manager.${name} is not supported`);
  }
  return localCluster;
}

/** Of Envoy's overload manager: the bound on connections. Its monitors of memory and their actions are Envoy's own. */
function readOverload(section: JsonValue, path: readonly string[], report: Report): number | null {
  let maxConnections: number | null = null;
  for (const [key, value] of Object.entries(isObject(section) ? section : {})) {
    const name = protoName(key);
    if (name === 'refresh_interval') continue;
    if (name !== 'resource_monitors') {
      report([...path, key], `overload_manager.${name} is not supported`);
      continue;
    }
    for (const [i, monitor] of listOf(value as JsonValue).entries()) {
      const config = typedConfig(monitor);
      const type = typeName(config?.['@type']);
      const limit = memberOf(config, 'max_active_downstream_connections')?.value;
      const most = limit === undefined ? null : wholeNumber(limit);
      if (type !== CONNECTIONS_MONITOR) report([...path, key, i], `nothing in this proxy reads ${type}`);
      else if (most === null || most < 1) report([...path, key, i], 'max_active_downstream_connections is required');
      else maxConnections = most;
    }
  }
  return maxConnections;
}

/** A list of one may be written without its brackets. */
function listOf(json: JsonValue): readonly JsonValue[] {
  return Array.isArray(json) ? json : [json];
}

function typedConfig(extension: JsonValue): JsonObject | undefined {
  const config = memberOf(extension, 'typed_config')?.value;
  return config !== undefined && isObject(config) ? config : undefined;
}

function typeName(url: JsonValue | undefined): string {
  return typeof url === 'string' ? url.slice(url.lastIndexOf('/') + 1) : 'an extension without a type';
}

function wholeNumber(json: JsonValue): number | null {
  const number = typeof json === 'string' ? Number(json) : json;
  return typeof number === 'number' && Number.isInteger(number) && number >= 0 ? number : null;
}
