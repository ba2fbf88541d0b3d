/** The fields of a schema one by one, and where a value has them: for tests that change one field and leave the rest. */
import type { ValueSchema } from './schema-values.ts';

type Fields = Readonly<Record<string, ValueSchema>>;

export interface LeafPath {
  /** `hashOn[].ttl` */
  readonly leaf: string;
  readonly steps: readonly (string | number)[];
  readonly schema: ValueSchema;
}

/** Of a schema: `limits.requests`, `loadBalancing.hashOn[].name`. */
export function leavesOf(fields: Fields, before = ''): string[] {
  return Object.entries(fields).flatMap(([name, schema]) => {
    const leaf = `${before}${name}`;
    const item = schema.items;
    if (item?.properties !== undefined) return leavesOf(item.properties, `${leaf}[].`);
    const { properties: inner = {} } = schema;
    return Object.keys(inner).length === 0 ? [leaf] : leavesOf(inner, `${leaf}.`);
  });
}

/** The leaves that a spec has, the first items of lists for all. */
export function pathsIn(value: unknown, fields: Fields, before = '', steps: LeafPath['steps'] = []): LeafPath[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, child]): LeafPath[] => {
    const schema = fields[name];
    if (schema === undefined) return [];
    const [leaf, at] = [`${before}${name}`, [...steps, name]];
    const { items, properties: inner = {} } = schema;
    if (items?.properties !== undefined)
      return pathsIn((child as unknown[])[0], items.properties, `${leaf}[].`, [...at, 0]);
    return Object.keys(inner).length === 0 ? [{ leaf, steps: at, schema }] : pathsIn(child, inner, `${leaf}.`, at);
  });
}

/** undefined: takes the field away. */
export function assign(into: Readonly<Record<string, unknown>>, steps: LeafPath['steps'], value: unknown): void {
  let at = into as Record<string | number, unknown>;
  for (const step of steps.slice(0, -1)) at = at[step] as Record<string | number, unknown>;
  const last = steps.at(-1) ?? '';
  if (value === undefined) delete at[last];
  else at[last] = value;
}
