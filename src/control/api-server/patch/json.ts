/** JSON values as patches see them: plain, compared by content, and never mutated in place. */

import { isMap } from '../../../api/validate.ts';

export type JsonMap = Readonly<Record<string, unknown>>;

/** Equality of content; the order of fields does not count, and an unset field is an absent one. */
export function equalJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => equalJson(item, b[index]));
  }
  if (!isMap(a) || !isMap(b)) return false;
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => equalJson(own(a, name), own(b, name)));
}

/** Own fields only: a field named `constructor` is data like any other. */
export function own(map: JsonMap, name: string): unknown {
  return Object.hasOwn(map, name) ? map[name] : undefined;
}
