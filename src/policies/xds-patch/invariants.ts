/**
 * What no patch may change, held against the resource before and after it: mutual TLS, who is let in, where a proxy
 * listens and what it is called. On canonical JSON, so that it sees what is packed too. Pure.
 */
import { isDeepStrictEqual } from 'node:util';
import type { JsonValue } from '@bufbuild/protobuf';
import { TYPE_URLS } from '../../xds/resource.ts';
import { type Fragment, listOf, mapOf, packedType, textOf } from './json.ts';
import type { PatchedType } from './subject.ts';

const RBAC = /\.rbac\.v3\.RBAC(PerRoute)?$/;
const MANAGER = /\.HttpConnectionManager$/;

const LISTENER_FIELDS = [
  'name',
  'address',
  'additionalAddresses',
  'trafficDirection',
  'internalListener',
  'useOriginalDst',
  'bindToPort',
  'transparent',
  'filterChainMatcher',
];
const CLUSTER_FIELDS = [
  'name',
  'type',
  'clusterType',
  'edsClusterConfig',
  'loadAssignment',
  'transportSocket',
  'transportSocketMatches',
  'transportSocketMatcher',
];
/** How the caller's identity and address reach the application and the rules. */
const IDENTITY_FIELDS = [
  'forwardClientCertDetails',
  'setCurrentClientCertDetails',
  'useRemoteAddress',
  'xffNumTrustedHops',
  'originalIpDetectionExtensions',
];

/** UpstreamHttpProtocolOptions: each takes the place of what the transport socket asks of the server's certificate or name. */
const PEER_FIELDS = ['autoSni', 'autoSanValidation', 'overrideAutoSniHeader'];
/** Written for the application, which takes it for proven. */
const CALLER_HEADER = 'x-forwarded-client-cert';

/** Why the change is refused; null: it is not. `after`: not removed. */
export function brokenInvariant(type: PatchedType, before: Fragment, after: Fragment): string | null {
  switch (type) {
    case TYPE_URLS.listener:
      return changedField(LISTENER_FIELDS, before, after) ?? brokenListener(before, after);
    case TYPE_URLS.cluster:
      return changedField(CLUSTER_FIELDS, before, after) ?? brokenPeerCheck(before, after);
    case TYPE_URLS.routes:
      return changedField(['name'], before, after) ?? brokenOverrides(before, after);
  }
}

function changedField(fields: readonly string[], before: Fragment, after: Fragment): string | null {
  const field = fields.find((each) => !isDeepStrictEqual(before[each], after[each]));
  return field === undefined ? null : `${field} is not for a patch to change`;
}

function brokenPeerCheck(before: Fragment, after: Fragment): string | null {
  const checks = (cluster: Fragment): JsonValue[] =>
    [cluster, ...Object.values(mapOf(cluster['typedExtensionProtocolOptions'])).map(mapOf)].flatMap((holder) => {
      const options = mapOf(holder['upstreamHttpProtocolOptions']);
      return PEER_FIELDS.flatMap((field) => options[field] ?? []);
    });
  return isDeepStrictEqual(checks(before), checks(after)) ? null : 'whose certificate is accepted is mTLS’s own';
}

function brokenListener(before: Fragment, after: Fragment): string | null {
  const known = new Map(chainsOf(before).map((chain) => [nameOf(chain), chain]));
  const isInbound = before['trafficDirection'] === 'INBOUND';
  if (isInbound && mentionsOf(CALLER_HEADER, after) > mentionsOf(CALLER_HEADER, before)) {
    return `${CALLER_HEADER} is not for a patch to write`;
  }
  for (const chain of chainsOf(after)) {
    const name = nameOf(chain);
    const was = known.get(name);
    if (was === undefined) {
      if (isInbound) return `filter chain ${name} would let in what mTLS and authorization have not seen`;
      continue;
    }
    const fault =
      changedField(['filterChainMatch', 'transportSocket', 'useProxyProto'], was, chain) ?? brokenFilters(was, chain);
    if (fault !== null) return `filter chain ${name}: ${fault}`;
  }
  const [wasApi, api] = [apiManagerOf(before), apiManagerOf(after)];
  if (wasApi !== undefined && api !== undefined) {
    const fault = brokenManager(wasApi, api);
    if (fault !== null) return fault;
  }
  return brokenOverrides(before, after);
}

function brokenFilters(before: Fragment, after: Fragment): string | null {
  const [was, is] = [listOf(before['filters']), listOf(after['filters'])];
  const fault = brokenOrder(was, is);
  if (fault !== null) return fault;
  const [wasManager, manager] = [was, is].map((filters) => mapOf(filters.at(-1)?.['typedConfig']));
  if (!isManager(wasManager)) return null;
  return isManager(manager) ? brokenManager(wasManager, manager) : 'its HTTP connection manager is gone';
}

function brokenManager(before: Fragment, after: Fragment): string | null {
  return (
    changedField(IDENTITY_FIELDS, before, after) ??
    brokenOrder(listOf(before['httpFilters']), listOf(after['httpFilters']))
  );
}

/** Authorization stands first and unchanged, and what passes on stands last. */
function brokenOrder(before: readonly Fragment[], after: readonly Fragment[]): string | null {
  const guards = before.findLastIndex(isRbac) + 1;
  if (!isDeepStrictEqual(before.slice(0, guards), after.slice(0, guards))) {
    return 'authorization must stay as it is, with nothing before it';
  }
  const [was, is] = [before, after].map((filters) => packedType(filters.at(-1)?.['typedConfig']));
  return was === is ? null : 'the last filter, which passes on, must stay the last';
}

/** Settings of a route or a virtual host that take authorization away there. */
function brokenOverrides(before: Fragment, after: Fragment): string | null {
  const known = overridesOf(before);
  const more = overridesOf(after).find((each) => !known.includes(each));
  return more === undefined ? null : 'authorization cannot be set aside for a route';
}

function overridesOf(value: JsonValue | undefined): string[] {
  if (Array.isArray(value)) return value.flatMap(overridesOf);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) =>
    key === 'typedPerFilterConfig'
      ? Object.entries(mapOf(member))
          .filter(isOverride)
          .map((each) => JSON.stringify(each))
      : overridesOf(member),
  );
}

/** By the name that generation gives such filters, or by what is in it. */
function isOverride([name, config]: [string, JsonValue]): boolean {
  return name.startsWith('authorization-') || name.includes('rbac') || JSON.stringify(config).includes('.rbac.v3.');
}

/** Refuses what an added listener could open. `taken`: ports of the workload and its agent. */
export function brokenAddedListener(listener: Fragment, taken: ReadonlySet<number>): string | null {
  const socket = mapOf(mapOf(listener['address'])['socketAddress']);
  const { address, portValue } = socket;
  if (typeof address !== 'string' || !/^(127(\.\d{1,3}){3}|::1)$/.test(address)) {
    return 'an added listener must have a loopback address: what others reach goes through mTLS';
  }
  if (listener['additionalAddresses'] !== undefined) return 'an added listener has one address';
  if (typeof portValue !== 'number' || portValue < 1024) return 'an added listener needs a port of 1024 or more';
  return taken.has(portValue) ? `port ${portValue} belongs to the workload or its agent` : null;
}

/** Refuses what an added cluster could reach: sockets of the agent, endpoints without mTLS of the mesh. */
export function brokenAddedCluster(cluster: Fragment, adminPort: number | undefined): string | null {
  const type = textOf(cluster['type']) || 'STATIC';
  if (cluster['clusterType'] !== undefined || !['STATIC', 'STRICT_DNS', 'LOGICAL_DNS'].includes(type)) {
    return 'an added cluster must be STATIC, STRICT_DNS or LOGICAL_DNS: endpoints of the mesh come with mTLS of their own';
  }
  const addresses = listOf(mapOf(cluster['loadAssignment'])['endpoints'])
    .flatMap((group) => listOf(group['lbEndpoints']))
    .map((endpoint) => mapOf(mapOf(endpoint['endpoint'])['address']));
  if (addresses.some(({ pipe, envoyInternalAddress }) => pipe !== undefined || envoyInternalAddress !== undefined)) {
    return 'an added cluster must have endpoints with a host and a port';
  }
  const isAgents = addresses.some((each) => mapOf(each['socketAddress'])['portValue'] === adminPort);
  return adminPort !== undefined && isAgents ? `port ${adminPort} is the admin endpoint of the proxy` : null;
}

function mentionsOf(text: string, value: Fragment): number {
  return JSON.stringify(value).toLowerCase().split(text).length;
}

function isRbac(filter: Fragment): boolean {
  return RBAC.test(packedType(filter['typedConfig']));
}

function isManager(config: Fragment | undefined): config is Fragment {
  return MANAGER.test(textOf(config?.['@type']));
}

function apiManagerOf(listener: Fragment): Fragment | undefined {
  const api = mapOf(listener['apiListener'])['apiListener'];
  return api === undefined ? undefined : mapOf(api);
}

function chainsOf(listener: Fragment): readonly Fragment[] {
  const last = listener['defaultFilterChain'];
  return [...listOf(listener['filterChains']), ...(last === undefined ? [] : [{ ...mapOf(last), name: ' default' }])];
}

function nameOf(chain: Fragment): string {
  return textOf(chain['name']);
}
