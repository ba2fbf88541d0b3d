/**
 * How generation reads the mesh: every read is recorded as a dependency of the reader, so that a change makes exactly
 * its dependents dirty. The interface stands in `api/` because policies compile against it; the index implements it.
 */
import type { Key, Resource } from './resource.ts';

/** Equality on every named label; an empty selector matches nothing, as a Service without a selector does. */
export interface LabelSelector {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface Reader {
  get(key: Key): Resource | null;
  /** All of a kind; null namespace: all namespaces. In order of namespace and name. */
  list(kind: string, namespace: string | null): readonly Resource[];
  /** Those of a kind whose metadata.labels contain the selector. */
  select(kind: string, by: LabelSelector): readonly Resource[];
  /** Those of a kind in a namespace that name this object, of whatever kind, in spec.parentRefs or spec.targetRefs. */
  referring(kind: string, namespace: string, to: Target): readonly Resource[];
  view<K, T>(view: View<K, T>, key: K): T;
}

export interface Target {
  readonly namespace: string;
  readonly name: string;
}

/** A pure, memoised derivation. An equal result (by `same`) stops the wave of changes. */
export interface View<K, T> {
  readonly name: string;
  /** The memo key. */
  id(key: K): string;
  /** `previous`: what it was, when it is derived again, so that parts that stay equal can stay the same objects. */
  derive(read: Reader, key: K, previous?: T): T;
  same(a: T, b: T): boolean;
  /**
   * For what many read and few parts of which change: called in place of `derive` when nothing changed but these views
   * among those that it read. undefined: it must be derived after all.
   */
  patch?(previous: T, changes: readonly ViewChange[]): T | undefined;
}

export interface ViewChange {
  readonly view: string;
  readonly before: unknown;
  readonly after: unknown;
}
