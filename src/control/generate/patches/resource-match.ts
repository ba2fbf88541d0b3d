/** Which resources an entry of a patch is for: by their names, which say direction, Service and port. */
import type { XdsPatch } from '../../../policies/xds-patch/kind.ts';
import type { ReadEntry } from '../../../policies/xds-patch/apply-entry.ts';
import { SUBJECTS } from '../../../policies/xds-patch/subject.ts';
import { TYPE_URLS, type XdsResource } from '../../../xds/resource.ts';
import { portNamed } from '../on-demand/authority.ts';
import { OUTBOUND_ROUTES, targetOfName } from '../names.ts';

export function isForResource({ entry }: ReadEntry, patch: XdsPatch, { type, name }: XdsResource): boolean {
  if (type === TYPE_URLS.virtualHosts) return isForHost(entry, patch, name);
  if (SUBJECTS[entry.on].type !== type || isWhole(entry.on, entry.operation)) return false;
  const { match = {} } = entry;
  if (match.name !== undefined && match.name !== name) return false;
  const { direction, port, service } = targetOfName(name);
  if (match.direction !== undefined && match.direction !== (type === TYPE_URLS.routes ? 'outbound' : direction)) {
    return false;
  }
  if (isJoined(entry.on, name)) return true;
  if (match.port !== undefined && match.port !== port) return false;
  return match.service === undefined || qualified(match.service, patch) === service;
}

/** A virtual host that was asked for by the authority that its name ends with. */
function isForHost({ on, match = {} }: ReadEntry['entry'], patch: XdsPatch, name: string): boolean {
  if (on !== 'Route' && on !== 'VirtualHost') return false;
  if (match.name !== undefined && match.name !== name && match.name !== OUTBOUND_ROUTES) return false;
  if (match.direction === 'inbound') return false;
  if (match.service === undefined && match.port === undefined) return true;
  const found = portNamed(name.slice(name.indexOf('/') + 1), patch.metadata.namespace ?? '');
  if (found === null) return false;
  const isPort = match.port === undefined || match.port === found.port;
  const service = `${found.namespace}/${found.service}`;
  return isPort && (match.service === undefined || qualified(match.service, patch) === service);
}

/** In the routes of all services, those of one are told by their virtual host. */
export function hostsOf({ entry }: ReadEntry, { metadata }: XdsPatch, name: string): RegExp | undefined {
  const { service, port } = entry.match ?? {};
  if (!isJoined(entry.on, name) || (service === undefined && port === undefined)) return undefined;
  const [own = '', other] = (service ?? '').split('/');
  const host = other === undefined ? `${own}.${metadata.namespace ?? ''}` : `${other}.${own}`;
  const named = service === undefined ? '[^:]+' : host.replaceAll('.', '\\.');
  return new RegExp(`^${named}:${port ?? '\\d+'}$`);
}

function isJoined(on: ReadEntry['entry']['on'], name: string): boolean {
  return name === OUTBOUND_ROUTES && (on === 'Route' || on === 'VirtualHost');
}

/** Adds a resource and changes none. */
export function isWhole(on: ReadEntry['entry']['on'], operation: string): boolean {
  return operation === 'add' && (on === 'Listener' || on === 'Cluster');
}

function qualified(service: string, { metadata }: XdsPatch): string {
  return service.includes('/') ? service : `${metadata.namespace ?? ''}/${service}`;
}
