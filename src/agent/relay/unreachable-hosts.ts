/**
 * What a program is told of a name that it never called before, while the control plane is away: 503, as Weft's own proxy
 * answers then. Envoy would take the absence of a virtual host for an answer, and say 404 of a service that there is.
 */
import { xdsResource } from '../../xds/content-version.ts';
import { TYPE_URLS, type XdsResource, type XdsView } from '../../xds/resource.ts';
import {
  DataSourceTable,
  DirectResponseActionTable,
  RouteMatchTable,
  RouteTable,
  VirtualHostTable,
} from '../../xds/tables/tables.gen.ts';
import { encode } from '../../xds/wire/encode.ts';
import { create } from '../../xds/wire/table.ts';

const SERVICE_UNAVAILABLE = 503;
const BODY = 'the control plane is away, and nothing is known of this name yet\n';
/** `*` and what is no name of a host are the session's to judge. */
const HOST_NAME = /^[^/]+\/([^/*]{1,255})$/;

/** The view with a host for each of `names` that it lacks; the very same when it lacks none. */
export function withUnreachable(view: XdsView, names: readonly string[]): XdsView {
  const known = view.get(TYPE_URLS.virtualHosts) ?? NONE;
  const missing = names.filter((name) => !known.has(name)).flatMap((name) => unreachable(name) ?? []);
  if (missing.length === 0) return view;
  const hosts = new Map([...known, ...missing.map((host) => [host.name, host] as const)]);
  return new Map([...view, [TYPE_URLS.virtualHosts, hosts]]);
}

/** Hosts are named `ROUTES/AUTHORITY`. null: this one is not. */
function unreachable(name: string): XdsResource | null {
  const [, authority] = HOST_NAME.exec(name) ?? [];
  if (authority === undefined) return null;
  const body = create(DataSourceTable, { specifier: { case: 'inlineString', value: BODY } });
  const answer = create(DirectResponseActionTable, { status: SERVICE_UNAVAILABLE, body });
  const all = create(RouteMatchTable, { pathSpecifier: { case: 'prefix', value: '/' } });
  const route = create(RouteTable, { match: all, action: { case: 'directResponse', value: answer } });
  const host = create(VirtualHostTable, { name, domains: [authority], routes: [route] });
  return xdsResource(TYPE_URLS.virtualHosts, name, encode(VirtualHostTable, host));
}

const NONE: ReadonlyMap<string, XdsResource> = new Map();
