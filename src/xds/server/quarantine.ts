/**
 * What a proxy refused, for as long as the content stays the same: sending it again on every reconnect would be refused
 * again. Kept per node and not per stream, because a NACK outlives its stream; with its reason, which status shows for as
 * long as it holds.
 */
import type { Origin } from '../../api/resource.ts';

/** One refused resource. */
export interface Nack {
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly reason: string;
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
  readonly origins: readonly Origin[];
}

export class Quarantine {
  readonly #maxNodes: number;
  /** Node → type and name → what was refused. Nodes in order of their last refusal. */
  readonly #refused = new Map<string, Map<string, Nack>>();

  /** The nodes that were refused by longest ago are forgotten first: they get the resource once more. */
  constructor(maxNodes = 10_000) {
    this.#maxNodes = maxNodes;
  }

  /** Refused resources, over all nodes. */
  get size(): number {
    let size = 0;
    for (const refused of this.#refused.values()) size += refused.size;
    return size;
  }

  add(node: string, nack: Nack): void {
    const refused = this.#refused.get(node) ?? new Map<string, Nack>();
    this.#refused.delete(node);
    this.#refused.set(node, refused);
    refused.set(keyOf(nack.type, nack.name), nack);
    for (const oldest of this.#refused.keys()) {
      if (this.#refused.size <= this.#maxNodes) return;
      this.#refused.delete(oldest);
    }
  }

  /** True while the node refused exactly this content; other content lifts the quarantine. */
  holds(node: string, type: string, name: string, version: string): boolean {
    const refused = this.#refused.get(node);
    const known = refused?.get(keyOf(type, name));
    if (refused === undefined || known === undefined) return false;
    if (known.version === version) return true;
    this.#lift(node, refused, keyOf(type, name));
    return false;
  }

  /** Why the node refused what it refuses; null when that is not known (any more). */
  nackOf(node: string, type: string, name: string): Nack | null {
    return this.#refused.get(node)?.get(keyOf(type, name)) ?? null;
  }

  /** After the resource was accepted or is gone. */
  lift(node: string, type: string, name: string): void {
    const refused = this.#refused.get(node);
    if (refused !== undefined) this.#lift(node, refused, keyOf(type, name));
  }

  #lift(node: string, refused: Map<string, Nack>, key: string): void {
    refused.delete(key);
    if (refused.size === 0) this.#refused.delete(node);
  }
}

function keyOf(type: string, name: string): string {
  return `${type} ${name}`;
}
