/** Turns what zod found into violations in our words: what the field must be, what it is, what to write instead. */
import type { z } from 'zod';
import { splitHint } from './fields.ts';
import type { FieldPath } from './violation.ts';
import { didYouMean } from './suggest.ts';

export interface SchemaViolation {
  readonly path: FieldPath;
  readonly message: string;
  readonly hint: string;
}

/** Every way in which `value` breaks `schema`; empty when it is valid. */
export function schemaViolations(schema: z.ZodType, value: unknown): readonly SchemaViolation[] {
  const result = schema.safeParse(value, { error: describe });
  if (result.success) return [];
  return result.error.issues.flatMap((issue) => {
    // JSON and YAML maps have string keys only.
    const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownField(schema, path, key));
    const nested = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? '') : '';
    return [{ path, ...splitHint(nested === '' ? issue.message : nested) }];
  });
}

function unknownField(schema: z.ZodType, path: FieldPath, key: string): SchemaViolation {
  const known = fieldNames(schema, path);
  const guess = didYouMean(key, known);
  const hint = guess !== '' || known.length === 0 ? guess : `Fields here: ${known.join(', ')}`;
  return { path: [...path, key], message: 'is not a field here', hint };
}

/** The names that the map at `path` may have. */
export function fieldNames(schema: z.ZodType, path: FieldPath): string[] {
  let at: unknown = schema;
  for (const step of [...path, null]) {
    let def = definition(at);
    while (def?.innerType !== undefined) def = definition(def.innerType);
    if (def === null) return [];
    if (step === null) return shownFields(def);
    at = def.element ?? def.shape?.[step] ?? def.valueType;
  }
  return [];
}

interface Definition {
  readonly innerType?: unknown;
  readonly element?: unknown;
  readonly valueType?: unknown;
  readonly shape?: Readonly<Record<string, unknown>>;
}

/** `def` is zod's public introspection; its type differs by class, so it is read structurally. */
function definition(schema: unknown): Definition | null {
  return typeof schema === 'object' && schema !== null && 'def' in schema ? (schema.def as Definition) : null;
}

/** Without those that exist only to say that they are not supported. */
function shownFields(def: Definition): string[] {
  return Object.entries(def.shape ?? {})
    .filter(([, field]) => !isNever(field))
    .map(([name]) => name);
}

export function isNever(schema: unknown): boolean {
  let def = definition(schema);
  while (def?.innerType !== undefined) def = definition(def.innerType);
  return def !== null && 'type' in def && def.type === 'never';
}

/** The default message of an issue; a schema's own message comes first. */
function describe(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return wrongType(issue.expected, issue.input);
    case 'invalid_value': {
      const values = issue.values.map(String);
      const words = values.map((value) => JSON.stringify(value)).join(', ');
      if (issue.input === undefined) return `is required${HINT}One of ${words}`;
      const guess = typeof issue.input === 'string' ? didYouMean(issue.input, values) : '';
      return `must be ${values.length === 1 ? '' : 'one of '}${words}, is ${show(issue.input)}${HINT}${guess}`;
    }
    case 'too_small':
      return bound('at least', issue.origin, Number(issue.minimum));
    case 'too_big':
      return bound('at most', issue.origin, Number(issue.maximum));
    case 'invalid_format':
      return `must be a valid ${issue.format}`;
    case 'invalid_union':
      return 'has none of the allowed forms';
    default:
      return 'is not valid';
  }
}

const HINT = '|';

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};

function wrongType(expected: string, input: unknown): string {
  if (input === undefined) return 'is required';
  const scalar = typeof input === 'number' || typeof input === 'boolean';
  const hint = expected === 'string' && scalar ? `Put it in quotes: "${input}"` : '';
  return `must be ${TYPE_WORDS[expected] ?? expected}, is ${show(input)}${HINT}${hint}`;
}

function bound(words: string, origin: string, limit: number): string {
  if (origin === 'string') return `must have ${words} ${limit} character${limit === 1 ? '' : 's'}`;
  if (origin === 'array') return `must have ${words} ${limit} item${limit === 1 ? '' : 's'}`;
  return `must be ${words} ${limit}`;
}

function show(input: unknown): string {
  if (Array.isArray(input)) return 'a list';
  if (typeof input === 'object' && input !== null) return 'a map';
  const text = JSON.stringify(input) ?? typeof input;
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`;
}
