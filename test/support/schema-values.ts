/**
 * Values that a schema of OpenAPI allows, the bounds among them often. What a kind checks besides its schema (one field
 * needs another) is the caller's to filter.
 */
import fc from 'fast-check';
import { parseGatewayDuration } from '../../src/core/durations.ts';

export interface ValueSchema {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: ValueSchema;
  readonly properties?: Readonly<Record<string, ValueSchema>>;
  readonly required?: readonly string[];
}

/** How a field of a duration ends its description (`durationBetween`). */
const DURATION = /From (\S+) to (\S+)\.$/;

export function valuesOf(schema: ValueSchema): fc.Arbitrary<unknown> {
  switch (schema.type) {
    case 'object':
      return objects(schema);
    case 'array': {
      const { minItems = 0, maxItems = 8, items = {} } = schema;
      return fc.array(valuesOf(items), { minLength: minItems, maxLength: Math.min(maxItems, 6) });
    }
    case 'integer':
      return numbers(schema, (min, max) => fc.integer({ min, max }));
    case 'number':
      return numbers(schema, (min, max) => fc.double({ min, max, noNaN: true }));
    case 'boolean':
      return fc.boolean();
    case 'string':
      return strings(schema);
    default:
      throw new Error(`no values for ${JSON.stringify(schema)}`);
  }
}

function objects({ properties = {}, required = [] }: ValueSchema): fc.Arbitrary<unknown> {
  const values = Object.fromEntries(Object.entries(properties).map(([name, child]) => [name, valuesOf(child)]));
  return fc.record(values, { requiredKeys: [...required] });
}

function numbers(
  { minimum = 0, maximum = 2 ** 31 }: ValueSchema,
  between: (min: number, max: number) => fc.Arbitrary<number>,
): fc.Arbitrary<number> {
  return fc.oneof(fc.constantFrom(minimum, maximum), between(minimum, maximum));
}

function strings({ description = '', enum: words, pattern, minLength = 0, maxLength }: ValueSchema) {
  if (words !== undefined) return fc.constantFrom(...words);
  const [, least = '', most = ''] = DURATION.exec(description) ?? [];
  if (most !== '') {
    const [min, max] = [parseGatewayDuration(least) ?? 0, parseGatewayDuration(most) ?? 0];
    return fc.oneof(
      fc.constantFrom(least, most),
      fc.integer({ min, max: Math.min(max, 99_999) }).map((ms) => `${ms}ms`),
      fc.integer({ min: Math.ceil(min / 1000), max: Math.min(Math.floor(max / 1000), 99_999) }).map((s) => `${s}s`),
    );
  }
  if (pattern !== undefined) {
    return fc.stringMatching(new RegExp(pattern)).filter((text) => text.length <= (maxLength ?? text.length));
  }
  if (maxLength === undefined) return fc.constantFrom('a', 'b', 'north', 'X.y_z-0');
  return fc.oneof(
    fc.string({ minLength, maxLength, unit: 'grapheme' }),
    fc.constantFrom('x-user', 'x'.repeat(maxLength)),
  );
}
