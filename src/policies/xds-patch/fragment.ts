/**
 * A fragment of xDS as JSON, held against its protobuf type: every unknown field and every value of a wrong form is found,
 * with its path, and what remains has the canonical names of its fields. protobuf-es alone stops at the first and says
 * not where.
 */
import { type DescField, type DescMessage, fromJson, type JsonValue } from '@bufbuild/protobuf';
import { didYouMean } from '../../api/suggest.ts';
import type { FieldPath } from '../../api/violation.ts';
import { isMap } from '../../api/validate.ts';
import { messageOf } from '../../core/errors.ts';
import { envoyTypes } from '../../protos/registry.ts';
import type { Fragment } from './json.ts';

export interface FragmentProblem {
  readonly path: FieldPath;
  readonly message: string;
  readonly hint: string;
}

const ANY = 'google.protobuf.Any';
const TYPE = '@type';

export function readFragment(
  schema: DescMessage,
  value: unknown,
): { readonly fragment: Fragment; readonly problems: readonly FragmentProblem[] } {
  const problems: FragmentProblem[] = [];
  const fragment = message(schema, value, [], problems);
  return { fragment: isMap(fragment) ? (fragment as Fragment) : {}, problems };
}

function message(schema: DescMessage, value: unknown, path: FieldPath, problems: FragmentProblem[]): JsonValue {
  if (schema.typeName === ANY) return any(value, path, problems);
  if (isLeaf(schema)) return leaf(path, problems, value, () => fromJson(schema, value as JsonValue));
  if (!isMap(value)) {
    problems.push({ path, message: `must be a map, a ${schema.typeName}`, hint: '' });
    return {};
  }
  const result: Record<string, JsonValue> = {};
  const chosen = new Map<string, string>();
  for (const [key, member] of Object.entries(value)) {
    const field = fieldOf(schema, key);
    const at = [...path, key];
    if (field === undefined) {
      const hint = didYouMean(
        key,
        schema.fields.map(({ jsonName }) => jsonName),
      );
      problems.push({ path: at, message: `is not a field of ${schema.typeName}`, hint });
      continue;
    }
    const other = field.oneof === undefined ? undefined : chosen.get(field.oneof.name);
    if (other !== undefined) problems.push({ path: at, message: `must not stand beside ${other}`, hint: '' });
    if (field.oneof !== undefined) chosen.set(field.oneof.name, key);
    result[field.jsonName] = fieldValue(schema, field, member, at, problems);
  }
  return result;
}

function fieldValue(
  schema: DescMessage,
  field: DescField,
  value: unknown,
  path: FieldPath,
  problems: FragmentProblem[],
): JsonValue {
  if (field.fieldKind === 'message') return message(field.message, value, path, problems);
  if (field.fieldKind === 'list' && field.listKind === 'message' && Array.isArray(value)) {
    return value.map((item, index) => message(field.message, item, [...path, index], problems));
  }
  if (field.fieldKind === 'map' && field.mapKind === 'message' && isMap(value)) {
    const { message: of } = field;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, message(of, item, [...path, key], problems)]),
    );
  }
  return leaf(path, problems, value, () => fromJson(schema, { [field.jsonName]: value as JsonValue }));
}

function any(value: unknown, path: FieldPath, problems: FragmentProblem[]): JsonValue {
  const url = isMap(value) ? value[TYPE] : undefined;
  if (!isMap(value) || typeof url !== 'string') {
    const hint = 'Such as type.googleapis.com/envoy.extensions.filters.http.router.v3.Router';
    problems.push({ path, message: `must be a map with ${TYPE}`, hint });
    return {};
  }
  const name = url.slice(url.lastIndexOf('/') + 1);
  const schema = envoyTypes.getMessage(name);
  if (schema === undefined) {
    const hint = didYouMean(name, knownTypes());
    problems.push({ path: [...path, TYPE], message: `is not a type that Weft knows: ${JSON.stringify(name)}`, hint });
    return {};
  }
  const { [TYPE]: _, ...rest } = value;
  const inside = isLeaf(schema)
    ? { value: message(schema, rest['value'], [...path, 'value'], problems) }
    : message(schema, rest, path, problems);
  return { [TYPE]: `type.googleapis.com/${name}`, ...(inside as Fragment) };
}

/** Runs the library's own reader on one value; what it refuses is a problem of this path. */
function leaf(path: FieldPath, problems: FragmentProblem[], value: unknown, read: () => unknown): JsonValue {
  try {
    read();
  } catch (error) {
    problems.push({ path, message: `has a value of a wrong form: ${reasonOf(error)}`, hint: '' });
  }
  return value as JsonValue;
}

/** `cannot decode field envoy.….connect_timeout from JSON: "x"` → what comes last. */
function reasonOf(error: unknown): string {
  const text = messageOf(error);
  return text.replace(/^cannot decode (?:field|message) (\S+) from JSON:?\s*/, '').slice(0, 300);
}

export function fieldOf(schema: DescMessage, key: string): DescField | undefined {
  return schema.fields.find(({ jsonName, name }) => jsonName === key || name === key);
}

/** Messages whose JSON is not a map of their fields: durations, wrappers, structs. */
export function isLeaf({ typeName }: DescMessage): boolean {
  return typeName.startsWith('google.protobuf.') && typeName !== ANY;
}

function knownTypes(): string[] {
  return [...envoyTypes].filter(({ kind }) => kind === 'message').map(({ typeName }) => typeName);
}
