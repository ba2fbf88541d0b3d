/**
 * The incremental heart of the control plane: resources in, memoised views out. Every read of a view is recorded, so a
 * change marks exactly its dependents as stale, and a view whose result stayed equal stops the wave. It changes only in
 * `apply`, between two generations.
 */
import { WeftError } from '../../core/errors.ts';
import type { LabelSelector, Reader, Target, View, ViewChange } from '../../api/reader.ts';
import type { Batch } from '../../api/source.ts';
import { type Key, keyText, type Resource } from '../../api/resource.ts';
import { getFact, listFact, Objects, referenceFact, selectFact } from './objects.ts';

/** A chain of views deeper than this is a view that reads itself through others. */
const MAX_DEPTH = 64;

interface Derivation {
  readonly view: string;
  derive(read: Reader, previous: unknown): unknown;
  same(a: unknown, b: unknown): boolean;
  readonly patch: ((previous: unknown, changes: readonly ViewChange[]) => unknown) | null;
}

/** One memoised derivation. */
class Node {
  readonly id: string;
  readonly how: Derivation;
  facts = new Set<string>();
  reads = new Set<Node>();
  readonly dependents = new Set<Node>();
  value: unknown;
  /** Something below may have changed since `value` was derived. */
  stale = true;
  /** Something read directly did change. */
  dirty = true;
  /** What was read and has changed, as it was; null: not only that changed. Empty unless it is patched. */
  changes: Map<Node, unknown> | null = null;
  /** Held from outside; not forgotten with its last dependent. */
  kept = false;

  constructor(id: string, how: Derivation) {
    this.id = id;
    this.how = how;
  }
}

export class MeshIndex {
  readonly #objects = new Objects();
  readonly #nodes = new Map<string, Node>();
  readonly #readers = new Map<string, Set<Node>>();
  /** Derivations run since the start: the measure of work that a change caused. */
  derived = 0;

  /** Applies a batch and returns the ids (`viewId`) of the views that may have changed. */
  apply(batch: Batch): ReadonlySet<string> {
    const facts = new Set<string>();
    if (batch.replace) {
      const present = new Set(batch.changes.map((change) => keyText(change.key)));
      for (const key of this.#objects.keys())
        if (!present.has(keyText(key))) this.#objects.put({ key, value: null }, facts);
    }
    for (const change of batch.changes) this.#objects.put(change, facts);
    const stale = new Set<string>();
    for (const fact of facts) {
      for (const node of this.#readers.get(fact) ?? []) {
        node.dirty = true;
        node.changes = null;
        markStale(node, stale);
      }
    }
    return stale;
  }

  get(key: Key): Resource | null {
    return this.#objects.get(key);
  }

  list(kind: string, namespace: string | null): readonly Resource[] {
    return this.#objects.list(kind, namespace);
  }

  /** The current value of a view, kept up to date until `release`. */
  read<K, T>(view: View<K, T>, key: K): T {
    const node = this.#node(view, key);
    node.kept = true;
    this.#refresh(node, 0);
    return node.value as T;
  }

  /** Nobody needs this value any more: it and what only it needed are forgotten. */
  release<K, T>(view: View<K, T>, key: K): void {
    const node = this.#nodes.get(viewId(view, key));
    if (node === undefined) return;
    node.kept = false;
    this.#collect(node);
  }

  get size(): number {
    return this.#nodes.size;
  }

  /** Facts that somebody has read. */
  get facts(): number {
    return this.#readers.size;
  }

  #node<K, T>(view: View<K, T>, key: K): Node {
    const id = viewId(view, key);
    let node = this.#nodes.get(id);
    if (node === undefined) {
      node = new Node(id, {
        view: view.name,
        derive: (read, previous) => view.derive(read, key, previous as T | undefined),
        same: (a, b) => view.same(a as T, b as T),
        patch: view.patch === undefined ? null : (view.patch as NonNullable<Derivation['patch']>),
      });
      this.#nodes.set(id, node);
    }
    return node;
  }

  /** Brings a node up to date; returns whether its value changed. */
  #refresh(node: Node, depth: number): boolean {
    if (!node.stale) return false;
    if (depth > MAX_DEPTH) throw new WeftError('internal', { what: 'a view reads itself', where: node.id });
    if (!node.dirty) {
      for (const read of node.reads) this.#refresh(read, depth + 1);
    }
    // What has changed marks its readers, perhaps while another of them was brought up to date.
    if (!node.dirty) {
      node.stale = false;
      return false;
    }
    const value = this.#patched(node, depth);
    return value === undefined ? this.#derive(node, depth) : this.#settle(node, value);
  }

  /** undefined: it must be derived. */
  #patched({ how, changes, reads, value }: Node, depth: number): unknown {
    if (how.patch === null || changes === null) return undefined;
    // They may have changed and not be looked at yet; a patch wants all of them.
    for (const read of reads) this.#refresh(read, depth + 1);
    this.derived++;
    const since = [...changes].map(([read, before]) => ({ view: read.how.view, before, after: read.value }));
    return how.patch(value, since);
  }

  #derive(node: Node, depth: number): boolean {
    const { facts: factsBefore, reads: readsBefore } = node;
    node.facts = new Set();
    node.reads = new Set();
    this.derived++;
    let value: unknown;
    try {
      value = node.how.derive(this.#recorder(node, depth), node.value);
    } catch (error) {
      // It may have failed over what it read before as well as over what it has read now.
      for (const fact of factsBefore) node.facts.add(fact);
      for (const read of readsBefore) node.reads.add(read);
      throw error;
    }
    // What it does not read any more, nobody may: names come and go for as long as the control plane runs.
    for (const fact of factsBefore) if (!node.facts.has(fact)) this.#forget(fact, node);
    for (const read of readsBefore) {
      if (node.reads.has(read)) continue;
      read.dependents.delete(node);
      this.#collect(read);
    }
    return this.#settle(node, value);
  }

  #settle(node: Node, value: unknown): boolean {
    const before = node.value;
    const changed = before === undefined || !node.how.same(before, value);
    if (changed) {
      node.value = value;
      for (const dependent of node.dependents) {
        if (dependent.how.patch !== null) noteChange(dependent, node, before);
        dependent.dirty = true;
      }
    }
    node.stale = false;
    node.dirty = false;
    if (node.how.patch !== null) node.changes = null;
    return changed;
  }

  #forget(fact: string, node: Node): void {
    const readers = this.#readers.get(fact);
    readers?.delete(node);
    if (readers?.size === 0) this.#readers.delete(fact);
  }

  #recorder(node: Node, depth: number): Reader {
    const record = (fact: string | null) => {
      if (fact === null || node.facts.has(fact)) return;
      node.facts.add(fact);
      let readers = this.#readers.get(fact);
      if (readers === undefined) this.#readers.set(fact, (readers = new Set()));
      readers.add(node);
    };
    return {
      get: (key: Key) => {
        record(getFact(key));
        return this.#objects.get(key);
      },
      list: (kind: string, namespace: string | null) => {
        record(listFact(kind, namespace));
        return this.#objects.list(kind, namespace);
      },
      select: (kind: string, by: LabelSelector) => {
        record(selectFact(kind, by));
        return this.#objects.select(kind, by);
      },
      referring: (kind: string, namespace: string, to: Target) => {
        record(referenceFact(kind, namespace, to));
        return this.#objects.referring(kind, namespace, to);
      },
      view: <K, T>(view: View<K, T>, key: K): T => {
        const read = this.#node(view, key);
        node.reads.add(read);
        // Before it is brought up to date: when that fails, what mends it must reach who asked.
        read.dependents.add(node);
        this.#refresh(read, depth + 1);
        return read.value as T;
      },
    };
  }

  #collect(node: Node): void {
    if (node.kept || node.dependents.size > 0 || this.#nodes.get(node.id) !== node) return;
    this.#nodes.delete(node.id);
    for (const fact of node.facts) this.#forget(fact, node);
    for (const read of node.reads) {
      read.dependents.delete(node);
      this.#collect(read);
    }
  }
}

/** What a view of this key is called in the set of those that may have changed. */
export function viewId<K, T>(view: View<K, T>, key: K): string {
  return `${view.name} ${view.id(key)}`;
}

/** What changed for other reasons is derived whatever else changes. */
function noteChange(dependent: Node, read: Node, before: unknown): void {
  if (!dependent.dirty) dependent.changes = new Map();
  if (dependent.changes !== null && !dependent.changes.has(read)) dependent.changes.set(read, before);
}

function markStale(node: Node, stale: Set<string>): void {
  if (stale.has(node.id)) return;
  stale.add(node.id);
  node.stale = true;
  for (const dependent of node.dependents) markStale(dependent, stale);
}
