/**
 * What a store that keeps its state in memory needs of the disk. The split keeps revisions, conditions, grouping and
 * watches in one place, and leaves to the disk only what it is good at: writing a group of entries all or not at all.
 */
import type { Key, Resource } from '../../api/resource.ts';
import type { StoredChange } from './store.ts';

/** One commit. */
export interface Entry {
  readonly revision: number;
  readonly changes: readonly StoredChange[];
  /** The JSON of each change's value; null for a deletion. Same order as `changes`. */
  readonly texts: readonly (string | null)[];
}

/** What a restart finds. */
export interface Persisted {
  readonly revision: number;
  /** Commits up to this revision are no longer in `history`. */
  readonly compacted: number;
  readonly objects: readonly Resource[];
  /** Ascending by revision. Only what was overwritten is kept: values follow from the objects, read backwards. */
  readonly history: readonly { readonly revision: number; readonly key: Key; readonly previous: Resource | null }[];
}

export interface Persistence {
  /** Called once, first. */
  load(): Persisted;
  /** Atomic, and durable when it returns. Throws WeftError `io` and then has changed nothing. `compacted` as in Persisted. */
  append(entries: readonly Entry[], compacted: number): void;
  close(): void;
}

/** For tests, and for a control plane that need not outlive its process. */
export const noPersistence: Persistence = {
  load: () => ({ revision: 0, compacted: 0, objects: [], history: [] }),
  append: () => {},
  close: () => {},
};
