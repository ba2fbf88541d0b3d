/**
 * The resources of the mesh in memory, by kind, namespace, name, label and reference, and the facts that a change
 * touches. A fact is what somebody may have read: one object, a list, or the objects that carry a label or name another.
 */
import type { LabelSelector, Target } from '../../api/reader.ts';
import type { Change } from '../../api/source.ts';
import { type Key, keyText, type Resource } from '../../api/resource.ts';

type Shelf = Map<string, Resource>;

export class Objects {
  readonly #byKind = new Map<string, Map<string, Shelf>>();
  /** Fact of a label or a reference → keys of the objects that have it. */
  readonly #marked = new Map<string, Map<string, Resource>>();
  /** Fact of a list → the list in order, until it changes: many read the same. */
  readonly #lists = new Map<string, readonly Resource[]>();

  get(key: Key): Resource | null {
    return this.#byKind.get(key.kind)?.get(key.namespace)?.get(key.name) ?? null;
  }

  list(kind: string, namespace: string | null): readonly Resource[] {
    const namespaces = this.#byKind.get(kind);
    if (namespaces === undefined) return [];
    const fact = listFact(kind, namespace);
    let list = this.#lists.get(fact);
    if (list === undefined) {
      const wanted = namespace === null ? [...namespaces.keys()].toSorted() : [namespace];
      list = wanted.flatMap((name) => [...(namespaces.get(name)?.values() ?? [])].toSorted(byName));
      this.#lists.set(fact, list);
    }
    return list;
  }

  select(kind: string, by: LabelSelector): Resource[] {
    const fact = selectFact(kind, by);
    if (fact === null) return [];
    const wanted = Object.entries(by.labels);
    const found = [...(this.#marked.get(fact)?.values() ?? [])];
    return found
      .filter((resource) => wanted.every(([name, value]) => resource.metadata.labels?.[name] === value))
      .toSorted(byName);
  }

  referring(kind: string, namespace: string, to: Target): Resource[] {
    return [...(this.#marked.get(referenceFact(kind, namespace, to))?.values() ?? [])].toSorted(byName);
  }

  keys(): Key[] {
    const keys: Key[] = [];
    for (const [kind, namespaces] of this.#byKind)
      for (const [namespace, shelf] of namespaces)
        for (const name of shelf.keys()) keys.push({ kind, namespace, name });
    return keys;
  }

  /** Applies one change and adds the facts that it touches to `facts`. An equal object touches none. */
  put(change: Change, facts: Set<string>): void {
    const { key, value } = change;
    const old = this.get(key);
    if (old === value || (old !== null && value !== null && sameRevision(old, value))) return;
    const shelf = this.#shelf(key);
    if (value === null) shelf.delete(key.name);
    else shelf.set(key.name, value);
    facts.add(getFact(key));
    for (const fact of [listFact(key.kind, key.namespace), listFact(key.kind, null)]) {
      this.#lists.delete(fact);
      facts.add(fact);
    }
    if (old !== null) for (const fact of marksOf(key, old)) this.#unmark(fact, key, facts);
    if (value !== null) for (const fact of marksOf(key, value)) this.#mark(fact, key, value, facts);
  }

  #shelf(key: Key): Shelf {
    let namespaces = this.#byKind.get(key.kind);
    if (namespaces === undefined) this.#byKind.set(key.kind, (namespaces = new Map()));
    let shelf = namespaces.get(key.namespace);
    if (shelf === undefined) namespaces.set(key.namespace, (shelf = new Map()));
    return shelf;
  }

  #mark(fact: string, key: Key, value: Resource, facts: Set<string>): void {
    let carriers = this.#marked.get(fact);
    if (carriers === undefined) this.#marked.set(fact, (carriers = new Map()));
    carriers.set(keyText(key), value);
    facts.add(fact);
  }

  #unmark(fact: string, key: Key, facts: Set<string>): void {
    const carriers = this.#marked.get(fact);
    carriers?.delete(keyText(key));
    if (carriers?.size === 0) this.#marked.delete(fact);
    facts.add(fact);
  }
}

export function getFact(key: Key): string {
  return `get ${keyText(key)}`;
}

export function listFact(kind: string, namespace: string | null): string {
  return `list ${kind}/${namespace ?? '*'}`;
}

/**
 * The fact that a selection depends on: whatever matches a selector carries its first label, so a change to the
 * carriers of that one label is a superset of the changes that matter. Null for an empty selector, which matches nothing.
 */
export function selectFact(kind: string, by: LabelSelector): string | null {
  const first = Object.keys(by.labels).toSorted()[0];
  return first === undefined ? null : labelFact(kind, by.namespace, first, by.labels[first] ?? '');
}

function labelFact(kind: string, namespace: string, name: string, value: string): string {
  return `label ${kind}/${namespace}/${name}=${value}`;
}

/** A change to an object concerns also who reads what refers to the same as it does. */
export function referenceFact(kind: string, namespace: string, to: Target): string {
  return `reference ${kind}/${namespace} to ${to.namespace}/${to.name}`;
}

function marksOf({ kind, namespace }: Key, { metadata, spec }: Resource): Set<string> {
  const labels = Object.entries(metadata.labels ?? {});
  const { parentRefs, targetRefs } = (spec ?? {}) as Referring;
  return new Set([
    ...labels.map(([name, value]) => labelFact(kind, namespace, name, value)),
    ...[...referencesIn(parentRefs), ...referencesIn(targetRefs)].map((ref) =>
      referenceFact(kind, namespace, { namespace: ref.namespace ?? namespace, name: ref.name }),
    ),
  ]);
}

interface Referring {
  readonly parentRefs?: unknown;
  readonly targetRefs?: unknown;
}

/** What other kinds have under these names need not be references. */
function referencesIn(refs: unknown): readonly { readonly name: string; readonly namespace?: string }[] {
  return Array.isArray(refs) ? refs.filter((ref) => typeof ref?.name === 'string') : [];
}

function sameRevision(a: Resource, b: Resource): boolean {
  const revision = a.metadata.resourceVersion;
  return revision !== undefined && revision === b.metadata.resourceVersion && a.metadata.uid === b.metadata.uid;
}

function byName(a: Resource, b: Resource): number {
  const left = `${a.metadata.namespace ?? ''}/${a.metadata.name}`;
  const right = `${b.metadata.namespace ?? ''}/${b.metadata.name}`;
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
