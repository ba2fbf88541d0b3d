/**
 * Strategic merge patch, as kubectl sends it for the kinds that it knows from Kubernetes: a merge patch whose lists of
 * maps merge by a key. Kinds of our own and of Gateway API refuse it with 415, as Kubernetes does for custom resources.
 */
import { isMap } from '../../../api/validate.ts';
import { WeftError } from '../../../core/errors.ts';
import { type JsonMap, own } from './json.ts';

/** Kind → path of a list → the field that tells its items apart (the `patchMergeKey` of the Kubernetes types). */
const MERGE_KEYS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Service: { 'spec.ports': 'port' },
  Namespace: {},
};

export function takesStrategicMerge(kind: string): boolean {
  return Object.hasOwn(MERGE_KEYS, kind);
}

/** Throws `invalid` for a directive that cannot be followed. */
export function strategicMerge(kind: string, target: unknown, patch: unknown): unknown {
  return merge(MERGE_KEYS[kind] ?? {}, '', target, patch);
}

function merge(keys: Readonly<Record<string, string>>, path: string, target: unknown, patch: unknown): unknown {
  const key = keys[path];
  if (Array.isArray(patch) && key !== undefined) return mergeItems(keys, path, key, target, patch);
  if (!isMap(patch)) return patch;
  const directive = own(patch, '$patch');
  if (directive === 'delete') return undefined;
  if (directive === 'replace') return withoutDirectives(patch);
  const merged: Record<string, unknown> = isMap(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith('$')) continue;
    if (value === null) delete merged[name];
    else merged[name] = merge(keys, path === '' ? name : `${path}.${name}`, own(merged, name), value);
  }
  const retained = own(patch, '$retainKeys');
  if (Array.isArray(retained)) {
    for (const name of Object.keys(merged)) if (!retained.includes(name)) delete merged[name];
  }
  for (const [name, order] of Object.entries(patch)) {
    const [directiveName, list = ''] = name.split('/');
    if (directiveName === '$setElementOrder' && Object.hasOwn(merged, list))
      merged[list] = ordered(keys, `${path}.${list}`, merged[list], order);
    if (directiveName === '$deleteFromPrimitiveList' && Array.isArray(order)) {
      const present = own(merged, list);
      if (Array.isArray(present)) merged[list] = present.filter((item) => !order.includes(item));
    }
  }
  return merged;
}

function mergeItems(
  keys: Readonly<Record<string, string>>,
  path: string,
  key: string,
  target: unknown,
  patch: readonly unknown[],
): unknown {
  if (patch.some((item) => isMap(item) && item['$patch'] === 'replace' && own(item, key) === undefined)) {
    return patch.filter((item) => !(isMap(item) && item['$patch'] === 'replace'));
  }
  let items: unknown[] = Array.isArray(target) ? [...target] : [];
  for (const change of patch) {
    const id = isMap(change) ? own(change, key) : undefined;
    if (id === undefined) throw new WeftError('invalid', { what: `an item needs "${key}"`, where: path });
    const at = items.findIndex((item) => isMap(item) && own(item, key) === id);
    const merged = merge(keys, `${path}[]`, at === -1 ? {} : items[at], change);
    if (merged === undefined) items = items.filter((_, index) => index !== at);
    else if (at === -1) items.push(merged);
    else items[at] = merged;
  }
  return items;
}

/** Items named by the directive come in its order; others keep theirs, behind. */
function ordered(keys: Readonly<Record<string, string>>, path: string, items: unknown, order: unknown): unknown {
  const key = keys[path];
  if (key === undefined || !Array.isArray(items) || !Array.isArray(order)) return items;
  const wanted = order.map((item) => (isMap(item) ? own(item, key) : undefined));
  const rank = (item: unknown) => {
    const at = isMap(item) ? wanted.indexOf(own(item, key)) : -1;
    return at === -1 ? wanted.length : at;
  };
  return items.toSorted((a, b) => rank(a) - rank(b));
}

function withoutDirectives(patch: JsonMap): JsonMap {
  return Object.fromEntries(Object.entries(patch).filter(([name]) => !name.startsWith('$')));
}
