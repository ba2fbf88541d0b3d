/**
 * The fields of an object as a set of paths, and their form in `managedFields`. Maps are sets of fields; a list is one
 * field (atomic, as Gateway API declares its lists; for a Service's ports it is the one difference from Kubernetes).
 */
import { isMap } from '../../../api/validate.ts';
import { own } from '../patch/json.ts';

/** JSON pointers (RFC 6901) of leaves: scalars, lists and empty maps. */
export type FieldSet = ReadonlySet<string>;

/** Fields that name the object or belong to the server: nobody owns them. */
const UNOWNED = new Set([
  '/apiVersion',
  '/kind',
  ...[
    'name',
    'namespace',
    'uid',
    'resourceVersion',
    'generation',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'generateName',
    'selfLink',
    'managedFields',
  ].map((name) => `/metadata/${name}`),
]);

export function fieldsOf(object: unknown): FieldSet {
  const fields = new Set<string>();
  collect(object, '', fields);
  fields.delete('/metadata');
  return fields;
}

function collect(value: unknown, path: string, into: Set<string>): void {
  if (UNOWNED.has(path) || value === undefined) return;
  const entries = isMap(value) ? Object.entries(value) : [];
  if (entries.length === 0 && path !== '') into.add(path);
  for (const [name, child] of entries) collect(child, `${path}/${escape(name)}`, into);
}

export function fieldAt(object: unknown, path: string): unknown {
  let at = object;
  for (const name of stepsOf(path)) at = isMap(at) ? own(at, name) : undefined;
  return at;
}

/** A copy of `object` without a field, and without the maps that this leaves empty. */
export function removeField(object: unknown, path: string): unknown {
  return remove(object, stepsOf(path));
}

function remove(value: unknown, [name = '', ...rest]: readonly string[]): unknown {
  if (!isMap(value) || !Object.hasOwn(value, name)) return value;
  const { [name]: child, ...others } = value;
  if (rest.length === 0) return others;
  const next = remove(child, rest);
  const emptied = isMap(next) && Object.keys(next).length === 0 && isMap(child) && Object.keys(child).length > 0;
  return emptied ? others : { ...value, [name]: next };
}

/** The nested form of `managedFields[].fieldsV1`. */
export function toFieldsV1(fields: FieldSet): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const path of [...fields].sort()) {
    let at = root;
    for (const name of stepsOf(path)) {
      const next = at[`f:${name}`] ?? {};
      at[`f:${name}`] = next;
      at = next as Record<string, unknown>;
    }
  }
  return root;
}

export function fromFieldsV1(root: unknown): FieldSet {
  const fields = new Set<string>();
  const walk = (value: unknown, path: string): void => {
    const entries = isMap(value) ? Object.entries(value).filter(([name]) => name.startsWith('f:')) : [];
    if (entries.length === 0 && path !== '') fields.add(path);
    for (const [name, child] of entries) walk(child, `${path}/${escape(name.slice(2))}`);
  };
  walk(root, '');
  return fields;
}

/** `.spec.rules` of `/spec/rules`, as Kubernetes writes fields in messages. */
export function fieldText(path: string): string {
  return stepsOf(path)
    .map((name) => (/^[A-Za-z0-9_-]+$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`))
    .join('');
}

/** Finds what a set has at, above and below a path, without walking the set. */
export class FieldIndex {
  readonly #fields: FieldSet;
  readonly #below = new Map<string, string[]>();

  constructor(fields: FieldSet) {
    this.#fields = fields;
    for (const path of fields) {
      for (const parent of parentsOf(path)) {
        const leaves = this.#below.get(parent);
        if (leaves === undefined) this.#below.set(parent, [path]);
        else leaves.push(path);
      }
    }
  }

  /** True when a field is this one or lies in it. */
  holds(path: string): boolean {
    return this.#fields.has(path) || this.#below.has(path);
  }

  /** Fields that are this one, contain it or lie in it. */
  related(path: string): readonly string[] {
    const above = [path, ...parentsOf(path)].filter((each) => this.#fields.has(each));
    return [...above, ...(this.#below.get(path) ?? [])];
  }
}

function parentsOf(path: string): string[] {
  const parents: string[] = [];
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) parents.push(path.slice(0, end));
  return parents;
}

function stepsOf(path: string): string[] {
  return path
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function escape(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
