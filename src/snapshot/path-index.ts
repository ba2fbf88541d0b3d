/**
 * Index of a virtual host's routes by path. The trie's deepest node on the way of a path knows, in order, every route
 * whose path can match there, so that 100 routes cost about as much as one; regexes are few and merged in by position.
 */
import { compileHeader } from '../http/match/header.ts';
import { type BuiltTrie, type ByteTrie, buildTrie, descend, edgeLength } from './byte-trie.ts';
import type { PathIndex, RouteEntry } from './route-table.ts';

const SLASH = 47;
const QUERY = 63;
const AT_END = 0;
const AT_SLASH = 1;
const BEYOND = 2;

/** Routes that begin at one node. */
interface Own {
  readonly exact: number[];
  readonly prefix: number[];
  readonly segment: number[];
}

export function indexPaths(routes: readonly RouteEntry[]): PathIndex {
  const positions: number[] = [];
  const keys: Uint8Array[] = [];
  const regexes: number[] = [];
  const connects: number[] = [];
  routes.forEach(({ match }, position) => {
    if (match.connect) connects.push(position);
    else if (match.path.kind === 'regex') regexes.push(position);
    else if (!match.path.value.includes(QUERY)) {
      // A value with a query never equals a path without one: such a route is in no list.
      positions.push(position);
      keys.push(match.path.value);
    }
  });
  const built = buildTrie(keys, false);
  const own = Array.from({ length: built.count }, (): Own => ({ exact: [], prefix: [], segment: [] }));
  built.nodes.forEach((node, i) => {
    const position = positions[i] as number;
    const path = routes[position]?.match.path;
    if (path !== undefined && path.kind !== 'regex') own[node]?.[path.kind].push(position);
  });
  const { buckets, lists } = fillBuckets(built, own);
  return {
    paths: built.trie,
    buckets,
    lists,
    regexes: Int32Array.from(regexes),
    connects: Int32Array.from(connects),
    headers: routes.map((route) => route.match.headers.map(compileHeader)),
  };
}

/** The bucket of a path that ends at `end` or a query. */
export function bucketOf(trie: ByteTrie, bytes: Uint8Array, start: number, end: number): number {
  let node = 0;
  let at = start;
  while (at < end) {
    // No key contains a ?, so a query ends the walk by itself.
    const child = descend(trie, node, bytes, at, end, 1);
    if (child === 0) break;
    at += edgeLength(trie, child);
    node = child;
  }
  if (at === end) return node * 3 + AT_END;
  const byte = bytes[at];
  if (byte === SLASH) return node * 3 + AT_SLASH;
  return node * 3 + (byte === QUERY ? AT_END : BEYOND);
}

/** End of the path proper in a request target: Envoy's path matchers do not see the query. A head has no fragment. */
export function endOfPath(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) if (bytes[at] === QUERY) return at;
  return end;
}

function fillBuckets(built: BuiltTrie, own: readonly Own[]): { buckets: Int32Array; lists: Int32Array } {
  // What every path through a node matches whatever comes after: depends on the ancestors only.
  const inherited = new Array<readonly number[] | undefined>(built.count);
  inherited[0] = [];
  const inherit = (node: number): readonly number[] => {
    const way: number[] = [];
    for (let up = node; inherited[up] === undefined; up = built.parents[up] as number) way.push(up);
    for (let down = way.pop(); down !== undefined; down = way.pop()) {
      const parent = built.parents[down] as number;
      const { prefix, segment } = own[parent] as Own;
      inherited[down] = [
        ...(inherited[parent] as readonly number[]),
        ...prefix,
        ...(built.firstBytes[down] === SLASH ? segment : []),
      ];
    }
    return inherited[node] as readonly number[];
  };
  const buckets = new Int32Array(built.count * 3 + 1);
  const lists: number[] = [];
  const fill = (bucket: number, positions: readonly number[]): void => {
    buckets[bucket] = lists.length;
    for (const position of [...positions].sort((a, b) => a - b)) lists.push(position);
  };
  own.forEach(({ exact, prefix, segment }, node) => {
    const above = inherit(node);
    fill(node * 3 + AT_END, [...above, ...prefix, ...segment, ...exact]);
    fill(node * 3 + AT_SLASH, [...above, ...prefix, ...segment]);
    fill(node * 3 + BEYOND, [...above, ...prefix]);
  });
  buckets[built.count * 3] = lists.length;
  return { buckets, lists: Int32Array.from(lists) };
}
