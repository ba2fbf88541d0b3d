/** What Envoy holds, out of its `/config_dump`: each of its five dumps has a shape of its own. */
import { fromJson, isMessage, type JsonValue, type Message } from '@bufbuild/protobuf';
import { messageOf } from '../../core/errors.ts';
import { ClusterSchema } from '../../protos/gen/envoy/config/cluster/v3/cluster_pb.ts';
import { envoyTypes } from '../../protos/registry.ts';
import type { HeldResource } from './held-resource.ts';
import { SCHEMAS, type Section } from './sections.ts';

type Json = Readonly<Record<string, unknown>>;

/** A list of a dump: where it stands, and under which field each of its items has the resource. */
interface List {
  readonly section: Section;
  readonly field: string;
  readonly resource: string;
  readonly state: string;
  readonly isLocal: boolean;
}

/** envoy.admin.v3: ClustersConfigDump, RoutesConfigDump, EndpointsConfigDump, SecretsConfigDump. */
const LISTS: readonly List[] = [
  { section: 'clusters', field: 'static_clusters', resource: 'cluster', state: 'active', isLocal: true },
  { section: 'clusters', field: 'dynamic_active_clusters', resource: 'cluster', state: 'active', isLocal: false },
  { section: 'clusters', field: 'dynamic_warming_clusters', resource: 'cluster', state: 'warming', isLocal: false },
  { section: 'listeners', field: 'static_listeners', resource: 'listener', state: 'active', isLocal: true },
  { section: 'routes', field: 'dynamic_route_configs', resource: 'route_config', state: 'active', isLocal: false },
  {
    section: 'endpoints',
    field: 'dynamic_endpoint_configs',
    resource: 'endpoint_config',
    state: 'active',
    isLocal: false,
  },
  { section: 'secrets', field: 'static_secrets', resource: 'secret', state: 'active', isLocal: true },
  { section: 'secrets', field: 'dynamic_active_secrets', resource: 'secret', state: 'active', isLocal: false },
  { section: 'secrets', field: 'dynamic_warming_secrets', resource: 'secret', state: 'warming', isLocal: false },
];

/** The agent beside the proxy serves it, whatever stream it came on. */
const OWN_CERTIFICATE = 'default';

/** Endpoints that stand in their cluster and routes that stand in their listener are left out. */
export function heldByConfigDump(dump: unknown): HeldResource[] {
  const configs = listOf(mapOf(dump)['configs']);
  const all = configs.flatMap((config) => [
    ...LISTS.flatMap((list) => listOf(config[list.field]).map((item) => held(list, item))),
    ...listOf(config['dynamic_listeners']).flatMap(dynamicListener),
    ...listOf(config['dynamic_route_configs']).flatMap(hostsOnDemand),
  ]);
  const awaited = new Set(all.map(({ message }) => assignmentOf(message)));
  return all.filter(({ section, name }) => section !== 'endpoints' || awaited.has(name));
}

/** The assignment that a cluster gets its endpoints from; null: none, or no cluster. */
function assignmentOf(message: Message | null): string | null {
  if (message === null || !isMessage(message, ClusterSchema) || message.edsClusterConfig === undefined) return null;
  return message.edsClusterConfig.serviceName || message.name;
}

/** Where virtual hosts come one by one, those that have come stand in the route configuration beside its own. */
function hostsOnDemand(item: Json): HeldResource[] {
  const config = mapOf(item['route_config']);
  if (config['vhds'] === undefined) return [];
  const list: List = { section: 'hosts', field: '', resource: 'host', state: 'active', isLocal: false };
  const added = listOf(config['virtual_hosts']).filter((host) => isAdded(host, config));
  return added.map((host) => held(list, { host }));
}

/** By the name that such resources have. */
function isAdded({ name }: Json, config: Json): boolean {
  return textOf(name).startsWith(`${textOf(config['name'])}/`);
}

/** A route configuration as it came: hosts that have come one by one since are resources of their own. */
function withoutHosts(config: Json): Json {
  if (config['vhds'] === undefined) return config;
  const own = listOf(config['virtual_hosts']).filter((host) => !isAdded(host, config));
  const { virtual_hosts: _, ...rest } = config;
  return own.length === 0 ? rest : { ...rest, virtual_hosts: own };
}

/** ListenersConfigDump.DynamicListener: up to three states of one name at once. */
function dynamicListener(item: Json): HeldResource[] {
  const error = mapOf(item['error_state']);
  const states = (['active', 'warming', 'draining'] as const).flatMap((state) => {
    const found = item[`${state}_state`];
    if (found === undefined) return [];
    const shown = state === 'active' && textOf(error['details']) !== '' ? 'refused' : state;
    const list: List = { section: 'listeners', field: '', resource: 'listener', state: shown, isLocal: false };
    return [{ ...held(list, mapOf(found), textOf(error['details'])), name: textOf(item['name']) }];
  });
  return states;
}

function held(list: List, item: Json, refusal = ''): HeldResource {
  const { section } = list;
  const { '@type': _, ...whole } = mapOf(item[list.resource]);
  const resource = section === 'routes' ? withoutHosts(whole) : whole;
  const name = textOf(item['name']) || textOf(resource['name']) || textOf(resource['cluster_name']);
  const error = refusal || textOf(mapOf(item['error_state'])['details']);
  let message: Message | null = null;
  let problem = error;
  try {
    message = fromJson(SCHEMAS[section], resource as JsonValue, { registry: envoyTypes, ignoreUnknownFields: true });
  } catch (cause) {
    problem ||= messageOf(cause);
  }
  const isLocal = list.isLocal || (section === 'secrets' && name === OWN_CERTIFICATE);
  const state = error === '' ? list.state : 'refused';
  return { section, name, version: textOf(item['version_info']), state, message, problem, isLocal };
}

function mapOf(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function listOf(value: unknown): Json[] {
  return Array.isArray(value) ? value.map(mapOf) : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
