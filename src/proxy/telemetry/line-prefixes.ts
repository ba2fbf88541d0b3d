/**
 * The part of an access-log line that lines of one edge, route and endpoint share, made once. It is kept at the edge,
 * so that it goes with it.
 */
import type { Edge } from './edge.ts';

/** Of an edge. An edge with more of them makes some anew now and then. */
const MAX_PREFIXES = 1_000;
const MAX_NAME = 300;
const MAX_TEXT = 512;

type Prefixes = Map<string, Map<string, Uint8Array>>;
const ofEdges = new WeakMap<Edge, { prefixes: Prefixes; size: number }>();
/** Lines of one edge come in rows. */
let lastEdge: Edge | null = null;
let lastKnown = { prefixes: new Map() as Prefixes, size: 0 };

/** `,"direction":…,"route":…,"upstream":…`: no route when there was none, as for raw TCP. */
export function linePrefix(edge: Edge, route: string, upstream: string): Uint8Array {
  if (edge !== lastEdge) remember(edge);
  return lastKnown.prefixes.get(route)?.get(upstream) ?? make(edge, route, upstream);
}

function remember(edge: Edge): void {
  const known = ofEdges.get(edge) ?? { prefixes: new Map() as Prefixes, size: 0 };
  ofEdges.set(edge, known);
  lastEdge = edge;
  lastKnown = known;
}

function make(edge: Edge, route: string, upstream: string): Uint8Array {
  const known = lastKnown;
  if (known.size >= MAX_PREFIXES) {
    known.prefixes.clear();
    known.size = 0;
  }
  let ofRoute = known.prefixes.get(route);
  if (ofRoute === undefined) known.prefixes.set(route, (ofRoute = new Map()));
  const { direction, source, destination, mtls } = edge;
  const text = JSON.stringify({
    direction,
    source: source.slice(0, MAX_NAME),
    destination: destination.slice(0, MAX_NAME),
    mtls,
    ...(route === '' ? {} : { route: route.slice(0, MAX_TEXT) }),
    upstream: upstream.slice(0, MAX_TEXT),
  });
  const prefix = Buffer.from(`,${text.slice(1, -1)}`, 'utf8');
  ofRoute.set(upstream, prefix);
  known.size++;
  return prefix;
}
