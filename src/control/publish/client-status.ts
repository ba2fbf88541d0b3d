/**
 * What the server knows of a proxy's configuration, in the words of CSDS (envoy.service.status.v3): for each resource
 * that it asked for whether it has what it is offered, and why not. Versions are those of contents, in both variants.
 */
import { TYPE_URLS, type XdsResource } from '../../xds/resource.ts';
import type { Nack } from '../../xds/server/quarantine.ts';
import type { TypeStatus } from '../../xds/server/session.ts';
import type { ClientConfig, ClientConfig_GenericXdsConfig } from '../../xds/tables/messages.gen.ts';
import { ConfigStatus } from '../../xds/tables/messages.gen.ts';
import {
  ClientConfig_GenericXdsConfigTable,
  ClientConfigTable,
  ClientStatusResponseTable,
  NodeTable,
  UpdateFailureStateTable,
} from '../../xds/tables/tables.gen.ts';
import { encode } from '../../xds/wire/encode.ts';
import { create } from '../../xds/wire/table.ts';
import type { ProxyStatus } from './proxy-stream.ts';

/** An encoded ClientStatusResponse. The contents of secrets are never in it. */
export function clientStatusBytes(proxies: readonly ProxyStatus[], withContents: boolean): Uint8Array {
  return encode(ClientStatusResponseTable, { config: proxies.map((proxy) => configOf(proxy, withContents)) });
}

function configOf({ node, userAgent, types }: ProxyStatus, withContents: boolean): ClientConfig {
  const { id, cluster, kind } = node;
  return create(ClientConfigTable, {
    node: create(NodeTable, { id, cluster, userAgentName: userAgent, metadata: kind === '' ? undefined : { kind } }),
    genericXdsConfigs: types.flatMap((type) => {
      const contents = withContents && type.type !== TYPE_URLS.secret;
      return [...namesOf(type)].map((name) => resourceOf(type, name, contents));
    }),
  });
}

/** What is offered to it of what it asked for, what it asked for in vain, and what it has though it is offered no more. */
function namesOf({ wildcard, names, offered, sent, acked }: TypeStatus): ReadonlySet<string> {
  return new Set([...names, ...(wildcard ? offered.keys() : []), ...sent.keys(), ...acked.keys()]);
}

function resourceOf(type: TypeStatus, name: string, withContents: boolean): ClientConfig_GenericXdsConfig {
  const resource = type.offered.get(name);
  const nack = type.nacks.find((each) => each.name === name);
  const any = (one: XdsResource | undefined) =>
    withContents && one !== undefined ? { typeUrl: one.type, value: one.bytes } : undefined;
  const has = type.acked.get(name) ?? '';
  const refused = type.refused.get(name);
  return create(ClientConfig_GenericXdsConfigTable, {
    typeUrl: type.type,
    name,
    versionInfo: has,
    xdsConfig: has === resource?.version ? any(resource) : undefined,
    configStatus: statusOf(type, name, resource),
    errorState: refused === undefined ? undefined : failureOf(refused, nack, any(resource)),
  });
}

function failureOf(
  version: string,
  nack: Nack | undefined,
  failedConfiguration: { typeUrl: string; value: Uint8Array } | undefined,
) {
  return create(UpdateFailureStateTable, {
    failedConfiguration,
    lastUpdateAttempt: nack?.atMs,
    details: nack?.reason ?? '',
    versionInfo: version,
  });
}

function statusOf({ refused, acked, sent }: TypeStatus, name: string, resource: XdsResource | undefined): number {
  if (refused.has(name)) return ConfigStatus.ERROR;
  // Offered no more, and the removal not yet confirmed.
  if (resource === undefined) return acked.has(name) ? ConfigStatus.STALE : ConfigStatus.NOT_SENT;
  if (acked.get(name) === resource.version) return ConfigStatus.SYNCED;
  return sent.get(name) === resource.version ? ConfigStatus.STALE : ConfigStatus.NOT_SENT;
}
