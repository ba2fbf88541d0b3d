/** Where resources come from: the store, registrations, later Kubernetes, DNS and Consul. */
import type { Key, Resource } from './resource.ts';

export interface Change {
  readonly key: Key;
  /** null: deleted. */
  readonly value: Resource | null;
}

export interface Batch {
  /** Opaque: give it back to `watch` to go on from here. */
  readonly cursor: string;
  /** The changes are the whole state: what is not among them is gone. */
  readonly replace: boolean;
  readonly changes: readonly Change[];
}

export interface Source {
  /** Replays (null: the whole state as one `replace` batch) and then follows. A cursor that was compacted away ends it with `too-old`. */
  watch(from: string | null, signal: AbortSignal): AsyncIterable<Batch>;
}
