/**
 * Which route a request takes: virtual host, then the first route in order whose path, headers and fraction all match.
 * Pure over the table and the bytes of the head, and without allocation, because every request passes here.
 */
import type { Head } from '../http/head.ts';
import { type CompiledHeader, headerMatches } from '../http/match/header.ts';
import { METHOD } from '../http/method.ts';
import { endOfHost, findHost, indexHosts } from './host-index.ts';
import { queryMatches } from './query-match.ts';
import { bucketOf, endOfPath, indexPaths } from './path-index.ts';
import type { PathIndex, RouteConfig, RouteEntry, RouteTable, VirtualHost } from './route-table.ts';

/** Throws WeftError `invalid` with the field path when domains collide. */
export function compileRoutes(config: RouteConfig): RouteTable {
  return {
    ...config,
    hostIndex: indexHosts(config.hosts),
    pathIndexes: config.hosts.map((host) => indexPaths(host.routes)),
    entries: config.hosts.flatMap((host) => host.routes),
    requiresTls: config.hosts.some((host) => host.requiresTls),
  };
}

/** `random01` decides fractions, uniform in [0, 1). null: no route (response flag NR). */
export function matchRoute(table: RouteTable, head: Head, random01: number): RouteEntry | null {
  const host = matchHost(table, head);
  if (host < 0) return null;
  // Indices that an index returns are in range by construction.
  return matchInHost(table.hosts[host]!, table.pathIndexes[host]!, head, random01);
}

/** Position of the virtual host in `table.hosts`, or -1. */
export function matchHost(table: RouteTable, head: Head): number {
  const start = head.authorityStart;
  const end = table.ignorePort ? endOfHost(head.bytes, start, head.authorityEnd) : head.authorityEnd;
  return findHost(table.hostIndex, head.bytes, start, end);
}

function matchInHost(host: VirtualHost, index: PathIndex, head: Head, random01: number): RouteEntry | null {
  const { bytes, pathStart, pathEnd } = head;
  const connect = head.method === METHOD.connect;
  const routes = host.routes;
  const lists = connect ? index.connects : index.lists;
  let at = 0;
  let end = lists.length;
  if (!connect) {
    const bucket = bucketOf(index.paths, bytes, pathStart, pathEnd);
    at = index.buckets[bucket]!;
    end = index.buckets[bucket + 1]!;
  }
  const regexes = index.regexes;
  const regexCount = connect ? 0 : regexes.length;
  for (let regex = 0; at < end || regex < regexCount; ) {
    let position: number;
    if (regex < regexCount && (at === end || regexes[regex]! < lists[at]!)) {
      position = regexes[regex++]!;
      const path = routes[position]!.match.path;
      if (path.kind !== 'regex' || !path.value.test(bytes, pathStart, endOfPath(bytes, pathStart, pathEnd))) continue;
    } else {
      position = lists[at++]!;
    }
    const route = routes[position]!;
    const { query, fraction } = route.match;
    if (query.length > 0 && !queryMatches(query, bytes, pathStart, pathEnd)) continue;
    if (random01 < fraction && allMatch(index.headers[position]!, head)) return route;
  }
  return null;
}

function allMatch(headers: readonly CompiledHeader[], head: Head): boolean {
  for (let i = 0; i < headers.length; i++) if (!headerMatches(headers[i]!, head)) return false;
  return true;
}
