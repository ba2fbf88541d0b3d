/**
 * From a plain value to a resource: brings it into its stored form and checks every rule of its kind. The API server and
 * the reader of files share it, so that a file that passes here passes there.
 */
import { apiVersionOf, type Kind } from './kind.ts';
import { objectSchema } from './object-schema.ts';
import type { KindRegistry } from './registry.ts';
import type { Resource } from './resource.ts';
import { schemaViolations } from './schema-violations.ts';
import { didYouMean } from './suggest.ts';
import { type Violation, violationOf } from './violation.ts';

/** Deeper values are refused before anything walks them. */
export const MAX_DEPTH = 64;

export interface ReadResult {
  /** null exactly when there are violations. */
  readonly resource: Resource | null;
  readonly violations: readonly Violation[];
}

/**
 * The stored form of `value`, checked. null fields are unset fields, as in Kubernetes; another version of the kind
 * becomes the stored one; a namespaced object without a namespace gets `defaultNamespace`. `value` is not changed.
 */
export function readResource(kinds: KindRegistry, value: unknown, defaultNamespace: string): ReadResult {
  if (deeperThan(value, MAX_DEPTH)) {
    return { resource: null, violations: [violationOf({}, [], `is nested deeper than ${MAX_DEPTH} levels`)] };
  }
  const plain = withoutNulls(value);
  if (!isMap(plain))
    return { resource: null, violations: [violationOf({}, [], 'must be a map with apiVersion, kind and metadata')] };
  const kind = kinds.byType(String(plain['apiVersion']), String(plain['kind']));
  const stored = kind === null ? plain : inStoredForm(kind, plain, defaultNamespace);
  const violations = validateResource(kinds, stored);
  // A value without violations has the shape of its schema, which is a Resource.
  return violations.length === 0
    ? { resource: stored as unknown as Resource, violations }
    : { resource: null, violations };
}

/** All violations of an object in its stored form. */
export function validateResource(kinds: KindRegistry, value: unknown): readonly Violation[] {
  if (!isMap(value)) return [violationOf({}, [], 'must be a map with apiVersion, kind and metadata')];
  const kind = typeof value['kind'] === 'string' ? kinds.byType(String(value['apiVersion']), value['kind']) : null;
  if (kind === null) return unknownKind(kinds, value);
  const violations: Violation[] = schemaViolations(objectSchema(kind), value).map(({ path, message, hint }) =>
    violationOf(value, path, message, hint),
  );
  if (violations.length === 0) {
    const resource = value as unknown as Resource;
    kind.check?.(resource, (path, message, hint) => violations.push(violationOf(resource, path, message, hint)));
  }
  return violations;
}

/** Violations of replacing `before` by `after`: both valid, of one kind and name. */
export function validateUpdate(kind: Kind, before: Resource, after: Resource): readonly Violation[] {
  return kind.immutable.flatMap((path) => {
    const steps = path.split('.');
    const [was, is] = [valueAt(before, steps), valueAt(after, steps)];
    if (was === undefined || was === is) return [];
    const hint = `Delete the ${kind.kind} and create it again, or write ${JSON.stringify(was)}`;
    return [violationOf(after, steps, `is immutable: it is ${JSON.stringify(was)}`, hint)];
  });
}

function unknownKind(kinds: KindRegistry, value: Readonly<Record<string, unknown>>): Violation[] {
  const { apiVersion, kind } = value;
  const missing = (['apiVersion', 'kind'] as const).filter((field) => typeof value[field] !== 'string');
  if (missing.length > 0) {
    return missing.map((field) =>
      violationOf(value, [field], value[field] === undefined ? 'is required' : 'must be a string'),
    );
  }
  const known = kinds.byKind(String(kind));
  if (known !== null) {
    return [
      violationOf(
        value,
        ['apiVersion'],
        `must be "${apiVersionOf(known)}" for a ${known.kind}, is ${JSON.stringify(apiVersion)}`,
      ),
    ];
  }
  const names = kinds.all.map((each) => each.kind);
  const hint = didYouMean(String(kind), names) || `Known kinds: ${names.join(', ')}`;
  return [violationOf(value, ['kind'], `is not known: ${JSON.stringify(kind)} of ${JSON.stringify(apiVersion)}`, hint)];
}

function inStoredForm(kind: Kind, plain: Record<string, unknown>, defaultNamespace: string): Record<string, unknown> {
  const stored: Record<string, unknown> = { ...plain, apiVersion: apiVersionOf(kind) };
  if (!isMap(plain['metadata'])) return stored;
  const { namespace, ...rest } = plain['metadata'];
  const unset = namespace === undefined || namespace === '';
  if (!unset) return stored;
  stored['metadata'] = kind.namespaced ? { ...rest, namespace: defaultNamespace } : rest;
  return stored;
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function deeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  return Object.values(value).some((child) => deeperThan(child, levels - 1));
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isMap(value)) return value;
  const entries = Object.entries(value).filter(([, child]) => child !== null);
  return Object.fromEntries(entries.map(([name, child]) => [name, withoutNulls(child)]));
}

function valueAt(value: unknown, steps: readonly string[]): unknown {
  let at = value;
  for (const step of steps) at = isMap(at) ? at[step] : undefined;
  return at;
}
