/** Where two JSON values differ, field by field, as paths that a person can follow. Pure. */
import { pathText } from '../../api/violation.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface FieldDifference {
  /** `virtualHosts["catalog.shop"].routes[0].route.timeout`; empty: the whole. */
  readonly path: string;
  /** undefined: not there. */
  readonly has: Json | undefined;
  readonly offered: Json | undefined;
}

type Path = readonly (string | number)[];

export function jsonDifference(has: Json, offered: Json): FieldDifference[] {
  return [...compare([], has, offered)];
}

function* compare(path: Path, has: Json | undefined, offered: Json | undefined): Generator<FieldDifference> {
  if (Array.isArray(has) && Array.isArray(offered)) {
    yield* compareLists(path, has as readonly Json[], offered as readonly Json[]);
  } else if (isObject(has) && isObject(offered)) {
    for (const key of new Set([...Object.keys(has), ...Object.keys(offered)])) {
      yield* compare([...path, key], has[key], offered[key]);
    }
  } else if (has !== offered) yield { path: pathText(path), has, offered };
}

/** Items that have names are told apart by them, so that one more in front does not make all of them differ. */
function* compareLists(path: Path, has: readonly Json[], offered: readonly Json[]): Generator<FieldDifference> {
  const [before, after] = [byName(has), byName(offered)];
  if (before === null || after === null) {
    for (let i = 0; i < Math.max(has.length, offered.length); i++) yield* compare([...path, i], has[i], offered[i]);
    return;
  }
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    yield* compare([...path, name], before.get(name), after.get(name));
  }
  const [first, second] = [[...before.keys()], [...after.keys()]].map((names) => names.join('\n'));
  const sameNames = before.size === after.size && [...before.keys()].every((name) => after.has(name));
  if (sameNames && first !== second) {
    yield { path: `${pathText(path)} (order)`, has: [...before.keys()], offered: [...after.keys()] };
  }
}

/** null: an item has no name, or two have the same. */
function byName(list: readonly Json[]): ReadonlyMap<string, Json> | null {
  const found = new Map<string, Json>();
  for (const item of list) {
    const name = isObject(item) ? item['name'] : undefined;
    if (typeof name !== 'string' || found.has(name)) return null;
    found.set(name, item);
  }
  return found;
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
