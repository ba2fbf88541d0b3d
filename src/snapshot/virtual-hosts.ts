/**
 * A route table of which virtual hosts come one by one, as they are asked for (VHDS): the table that requests are matched
 * against is that of the RouteConfiguration with those that have come.
 */
import { compileRoutes } from './match-route.ts';
import type { RouteTable, VirtualHost } from './route-table.ts';

/** The name of the resource for an authority. Envoy asks by these names, in lower case. */
export function virtualHostName(table: string, authority: string): string {
  return `${table}/${authority.toLowerCase()}`;
}

export function tableOfVirtualHost(name: string): string {
  return name.slice(0, name.indexOf('/'));
}

/**
 * Tables with the hosts that have come for them; those of `last` themselves where they were made of the same. Throws
 * `invalid` when two hosts claim one domain.
 */
export function joinHosts(
  tables: ReadonlyMap<string, RouteTable>,
  hosts: ReadonlyMap<string, VirtualHost>,
  last: ReadonlyMap<string, RouteTable>,
): ReadonlyMap<string, RouteTable> {
  const joined = [...tables].map(([name, table]): [string, RouteTable] => [
    name,
    table.onDemand ? joinOwn(table, hosts, last.get(name)) : table,
  ]);
  return new Map(joined);
}

function joinOwn(table: RouteTable, hosts: ReadonlyMap<string, VirtualHost>, last: RouteTable | undefined): RouteTable {
  const joined = [...table.hosts];
  for (const [name, host] of hosts) if (tableOfVirtualHost(name) === table.name) joined.push(host);
  if (joined.length === table.hosts.length) return table;
  const isSame =
    last !== undefined &&
    last.ignorePort === table.ignorePort &&
    last.hosts.length === joined.length &&
    joined.every((host, i) => last.hosts[i] === host);
  return isSame ? last : compileRoutes({ ...table, hosts: joined });
}

/** Whether a request has matched one of its routes since it was asked last. */
export function takeUsed(host: VirtualHost): boolean {
  const mark = host.routes[0]?.mark ?? null;
  if (mark === null) return false;
  const { used } = mark;
  mark.used = false;
  return used;
}
