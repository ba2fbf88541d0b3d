/**
 * The streams of each connected proxy: one where it takes everything on one, several where it uses the separate
 * services, and as many as it has targets where it is a gRPC program (gRFC A71).
 */
import type { ProxyStream } from './proxy-stream.ts';

export class NodeStreams {
  readonly #maxPerNode: number;
  readonly #byNode = new Map<string, Set<ProxyStream>>();

  constructor(maxPerNode: number) {
    this.#maxPerNode = maxPerNode;
  }

  /** False when the proxy has as many as it may. */
  add(nodeId: string, stream: ProxyStream): boolean {
    const streams = this.#byNode.get(nodeId) ?? new Set();
    if (streams.size >= this.#maxPerNode) return false;
    this.#byNode.set(nodeId, streams.add(stream));
    return true;
  }

  /** True when it was the last of its proxy. */
  delete(nodeId: string, stream: ProxyStream): boolean {
    const streams = this.#byNode.get(nodeId);
    if (streams?.delete(stream) !== true || streams.size > 0) return false;
    return this.#byNode.delete(nodeId);
  }

  has(nodeId: string): boolean {
    return this.#byNode.has(nodeId);
  }

  nodes(): Iterable<string> {
    return this.#byNode.keys();
  }

  of(nodeId: string): ReadonlySet<ProxyStream> {
    return this.#byNode.get(nodeId) ?? NONE;
  }

  *all(): Iterable<ProxyStream> {
    for (const streams of this.#byNode.values()) yield* streams;
  }
}

const NONE: ReadonlySet<ProxyStream> = new Set();
