/**
 * The part of an access-log line that lines of one edge, route and endpoint share, made once. Bounded: whoever can name
 * many hosts makes them be made anew, and no more.
 */
import type { Edge } from './edge.ts';

/** Of all edges together; beyond, all are forgotten. */
const MAX_PREFIXES = 4_096;
/** Characters of the names of both ends. */
export const MAX_NAME = 300;
/** Of any other text of a line. */
export const MAX_TEXT = 512;

/** By route, then by endpoint. */
type Prefixes = Map<string, Map<string, Uint8Array>>;

export class LinePrefixes {
  #ofEdges = new WeakMap<Edge, Prefixes>();
  #size = 0;
  /** Lines of one edge come in rows. */
  #lastEdge: Edge | null = null;
  #last: Prefixes = new Map();

  /** `,"direction":…,"route":…,"upstream":…`: no route when there was none, as for raw TCP. */
  of(edge: Edge, route: string, upstream: string): Uint8Array {
    if (edge !== this.#lastEdge) this.#turnTo(edge);
    return this.#last.get(route)?.get(upstream) ?? this.#make(edge, route, upstream);
  }

  #turnTo(edge: Edge): void {
    let known = this.#ofEdges.get(edge);
    if (known === undefined) this.#ofEdges.set(edge, (known = new Map()));
    this.#lastEdge = edge;
    this.#last = known;
  }

  #make(edge: Edge, route: string, upstream: string): Uint8Array {
    if (++this.#size > MAX_PREFIXES) {
      this.#ofEdges = new WeakMap();
      this.#size = 1;
      this.#turnTo(edge);
    }
    let ofRoute = this.#last.get(route);
    if (ofRoute === undefined) this.#last.set(route, (ofRoute = new Map()));
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
    return prefix;
  }
}
