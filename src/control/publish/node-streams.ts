/**
 * The streams of each connected proxy: one where it takes everything on one, several where it uses the separate
 * services, and as many as it has targets where it is a gRPC program (gRFC A71).
 */
import { Limit } from '../../core/limit.ts';
import type { ProxyStream } from './proxy-stream.ts';

/** 10,000 services, with names of 60 characters, in all types and with their versions. */
const MAX_NAME_BYTES = 8 << 20;

export class NodeStreams {
  readonly #maxPerNode: number;
  readonly #byNode = new Map<string, Set<ProxyStream>>();
  readonly #nameBytes = new Map<string, Limit>();

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
    this.#nameBytes.delete(nodeId);
    return this.#byNode.delete(nodeId);
  }

  /** What all streams of the proxy together may ask for by name. */
  nameBytesOf(nodeId: string): Limit {
    const known = this.#nameBytes.get(nodeId);
    const limit = known ?? new Limit('xds.name_bytes', MAX_NAME_BYTES);
    if (known === undefined) this.#nameBytes.set(nodeId, limit);
    return limit;
  }

  /** Of proxies. */
  get size(): number {
    return this.#byNode.size;
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
