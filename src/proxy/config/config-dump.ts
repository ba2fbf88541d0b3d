/** What the proxy holds, as JSON for people: every resource as it came, with its state. The admin endpoint serves it. */
import { isWeftError, messageOf } from '../../core/errors.ts';
import type { ResourceState } from '../../xds/client/subscription.ts';
import { shortTypeName, TYPE_URLS } from '../../xds/resource.ts';
import * as tables from '../../xds/tables/tables.gen.ts';
import { decode } from '../../xds/wire/decode.ts';
import type { JsonValue } from '../../xds/wire/json.ts';
import type { Table } from '../../xds/wire/table.ts';

const NETWORK = 'type.googleapis.com/envoy.extensions.filters.network.';
const TLS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.';

/** Messages that are shown in full; others show their type and base64. */
const TABLES: ReadonlyMap<string, Table> = new Map<string, Table>([
  [TYPE_URLS.listener, tables.ListenerTable],
  [TYPE_URLS.routes, tables.RouteConfigurationTable],
  [TYPE_URLS.cluster, tables.ClusterTable],
  [TYPE_URLS.endpoints, tables.ClusterLoadAssignmentTable],
  [TYPE_URLS.secret, tables.SecretTable],
  [`${NETWORK}http_connection_manager.v3.HttpConnectionManager`, tables.HttpConnectionManagerTable],
  [`${NETWORK}tcp_proxy.v3.TcpProxy`, tables.TcpProxyConfigTable],
  [`${TLS}UpstreamTlsContext`, tables.UpstreamTlsContextTable],
  [`${TLS}DownstreamTlsContext`, tables.DownstreamTlsContextTable],
]);

/** By the short name of the type, then by name. Holds no secret: keys never come over xDS. */
export function dumpConfig(states: readonly ResourceState[]): JsonValue {
  const types: Record<string, Record<string, JsonValue>> = {};
  for (const { type, name, state, held, updatedAtMs, refused } of states) {
    const group = (types[shortTypeName(type)] ??= {});
    group[name] = {
      state,
      version: held?.version ?? '',
      updatedAt: updatedAtMs === 0 ? null : new Date(updatedAtMs).toISOString(),
      refused: refused === null ? null : { version: refused.resource.version, reason: refused.reason },
      resource: held === null ? null : messageJson(type, held.bytes),
    };
  }
  return types;
}

function messageJson(type: string, bytes: Uint8Array): JsonValue {
  const table = TABLES.get(type);
  if (table === undefined) return { '@type': type, base64: Buffer.from(bytes).toString('base64') };
  try {
    return { '@type': type, ...(json(decode(table, bytes)) as { readonly [key: string]: JsonValue }) };
  } catch (error) {
    if (!isWeftError(error)) throw error;
    return { '@type': type, error: messageOf(error) };
  }
}

/** Unset fields are left out; a oneof becomes its member; an Any becomes its message. */
function json(value: unknown): JsonValue {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value;
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(json);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, member]) => [String(key), json(member)]));
  if (typeof value !== 'object') return null;
  const { typeUrl, value: bytes } = value as { readonly typeUrl?: unknown; readonly value?: unknown };
  if (typeof typeUrl === 'string' && bytes instanceof Uint8Array) return messageJson(typeUrl, bytes);
  const entries: [string, JsonValue][] = [];
  for (const [name, member] of Object.entries(value)) {
    if (isUnset(member)) continue;
    if (isOneof(member)) {
      if (member.case !== undefined) entries.push([member.case, json(member.value)]);
    } else entries.push([name, json(member)]);
  }
  return Object.fromEntries(entries);
}

function isOneof(value: unknown): value is { readonly case: string | undefined; readonly value: unknown } {
  return typeof value === 'object' && value !== null && 'case' in value;
}

function isUnset(value: unknown): boolean {
  return (
    value === undefined ||
    value === '' ||
    value === 0 ||
    value === 0n ||
    value === false ||
    (Array.isArray(value) && value.length === 0) ||
    (value instanceof Map && value.size === 0) ||
    (value instanceof Uint8Array && value.length === 0)
  );
}
