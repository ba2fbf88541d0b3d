/** What a path of the API names: a collection, an object or its status, of a kind that the mesh knows. */
import type { Kind } from '../../api/kind.ts';
import type { KindRegistry } from '../../api/registry.ts';

export interface Target {
  readonly kind: Kind;
  /** null: all namespaces, or a kind without one. */
  readonly namespace: string | null;
  /** null: the collection. */
  readonly name: string | null;
  readonly subresource: 'status' | null;
}

/** The segments of a path, percent-decoded; null when that is not possible. */
export function pathSegments(path: string): readonly string[] | null {
  try {
    return path.split('/').filter(Boolean).map(decodeURIComponent);
  } catch {
    return null;
  }
}

/** null: no such resource. */
export function readTarget(kinds: KindRegistry, segments: readonly string[]): Target | null {
  const [root, ...rest] = segments;
  if (root === 'api') return within(kinds, '', rest);
  const [group, ...below] = rest;
  return root === 'apis' && group !== undefined ? within(kinds, group, below) : null;
}

function within(kinds: KindRegistry, group: string, [version, ...path]: readonly string[]): Target | null {
  if (version === undefined) return null;
  const find = (plural: string | undefined) => kinds.byPlural(group, version, plural ?? '');
  const [first, second, third, ...more] = path;
  // `namespaces/shop` and `namespaces/shop/status` are the Namespace itself, everything longer is inside it.
  if (first === 'namespaces' && third !== undefined && !(third === 'status' && more.length === 0)) {
    const kind = find(third);
    if (kind === null || !kind.namespaced || second === undefined) return null;
    return object(kind, second, more);
  }
  const kind = find(first);
  if (kind === null || (kind.namespaced && second !== undefined)) return null;
  return object(kind, null, path.slice(1));
}

function object(kind: Kind, namespace: string | null, [name, subresource, ...more]: readonly string[]): Target | null {
  if (more.length > 0 || (subresource !== undefined && subresource !== 'status')) return null;
  return { kind, namespace, name: name ?? null, subresource: subresource === 'status' ? 'status' : null };
}
