/**
 * Where resources live. A store gives revisions, commits of many objects and a watch, and nothing above it knows which
 * one it is. Only the API server writes; the index and the API's own watchers follow it as a Source.
 */
import type { Key, Resource } from '../../api/resource.ts';
import type { Batch, Change, Source } from '../../api/source.ts';

/** A change with what stood there before, so that a watcher by selector knows when an object leaves its view. */
export interface StoredChange extends Change {
  /** null: the object is new. */
  readonly previous: Resource | null;
}

export interface StoreBatch extends Batch {
  readonly changes: readonly StoredChange[];
}

/** A commit's condition on one object. */
export interface Expectation {
  readonly key: Key;
  /** The revision that the object must have now; empty: no such object may exist. */
  readonly resourceVersion: string;
}

export interface Listing {
  /** The revision at which the list was true: `watch` from here misses nothing. */
  readonly cursor: string;
  /** In order of namespace and name. */
  readonly items: readonly Resource[];
}

/**
 * Cursors are decimal revisions that grow by one with every commit, and are the `resourceVersion` of what that commit
 * wrote. Resources that a store hands out are frozen.
 */
export interface Store extends Source {
  get(key: Key): Promise<Resource | null>;
  /** Without `namespace`: of all namespaces. */
  list(kind: string, namespace?: string): Promise<Listing>;
  /**
   * All changes or none, and durable when it resolves. Resolves to the new revision, which is also set as the
   * `metadata.resourceVersion` of every value. A commit that changes nothing (no changes, or deletions of what does not
   * exist) resolves to the current one. Rejects with `conflict`, `already-exists` or `not-found` (an expectation),
   * `invalid` (one key twice), `limit-exceeded` (an object above MAX_OBJECT_BYTES) or `io`.
   */
  commit(changes: readonly Change[], expect: readonly Expectation[]): Promise<string>;
  /** Forgets history: cursors before `before` are too old from now on. Objects stay. */
  compact(before: string): Promise<void>;
  /**
   * One batch per commit; never a part of one. A watcher holds no buffer: one that falls behind the history that is
   * kept ends with `too-old`. So does a cursor from the future, which comes from another store. `close` ends it.
   */
  watch(from: string | null, signal: AbortSignal): AsyncIterable<StoreBatch>;
  /** Finishes the commits that were begun, then lets go of everything. */
  close(): Promise<void>;
}

/** Of one object as JSON. Kubernetes' own bound is 1.5 MiB, that of etcd. */
export const MAX_OBJECT_BYTES = 1_048_576;
