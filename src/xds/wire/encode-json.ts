/**
 * Plain objects to proto3's JSON by field table, with the field names of the .proto, as Envoy's admin endpoint writes it.
 * For people and tools: what is unset is left out.
 */
import { isWeftError } from '../../core/errors.ts';
import { decode } from './decode.ts';
import { protoName } from './field-name.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { type Field, type Fields, KIND, type Table, zeroOf } from './table.ts';

/** The table of what an Any carries; undefined: it is shown as base64. */
export type AnyTables = (typeUrl: string) => Table | undefined;

export function toJson(table: Table, message: object, anyTables: AnyTables): JsonObject {
  const json: Record<string, JsonValue> = {};
  for (const field of table.fields) {
    const value = valueOf(field, message as Fields);
    if (value !== undefined) json[protoName(field.name)] = fieldJson(field, value, anyTables);
  }
  return json;
}

/** An encoded message in the form of an Any: `@type` and its fields. */
export function anyToJson(typeUrl: string, bytes: Uint8Array, anyTables: AnyTables): JsonObject {
  const table = anyTables(typeUrl);
  const raw = { '@type': typeUrl, value: base64(bytes) };
  if (table === undefined) return raw;
  try {
    return { '@type': typeUrl, ...toJson(table, decode(table, bytes) as object, anyTables) };
  } catch (error) {
    if (!isWeftError(error)) throw error;
    return raw;
  }
}

/** Undefined when there is nothing to tell. */
function valueOf(field: Field, message: Fields): unknown {
  if (field.oneof !== null) {
    const chosen = message[field.oneof] as { readonly case: string | undefined; readonly value: unknown };
    return chosen.case === field.name ? chosen.value : undefined;
  }
  const value = message[field.name];
  if (Array.isArray(value)) return value.length === 0 ? undefined : value;
  if (value instanceof Map) return value.size === 0 ? undefined : value;
  if (field.shape !== 'plain') return value;
  if (value instanceof Uint8Array) return value.length === 0 ? undefined : value;
  return value === zeroOf(field.kind) ? undefined : value;
}

function fieldJson(field: Field, value: unknown, anyTables: AnyTables): JsonValue {
  if (field.shape === 'list') return (value as readonly unknown[]).map((each) => oneJson(field, each, anyTables));
  if (field.shape !== 'map') return oneJson(field, value, anyTables);
  const entries = [...(value as ReadonlyMap<unknown, unknown>)];
  return Object.fromEntries(entries.map(([key, each]) => [String(key), oneJson(field, each, anyTables)]));
}

function oneJson(field: Field, value: unknown, anyTables: AnyTables): JsonValue {
  switch (field.kind) {
    case KIND.message: {
      const table = field.table;
      if (table === null) return null;
      if (table.name !== 'google.protobuf.Any') return toJson(table, value as object, anyTables);
      const { typeUrl, value: bytes } = value as { readonly typeUrl: string; readonly value: Uint8Array };
      return anyToJson(typeUrl, bytes, anyTables);
    }
    case KIND.enum:
      return enumName(field, value as number);
    case KIND.duration:
      return `${Number(((value as number) / 1000).toFixed(9))}s`;
    case KIND.timestamp:
      return new Date(value as number).toISOString();
    case KIND.bytes:
      return base64(value as Uint8Array);
    default:
      return scalarJson(value);
  }
}

/** Proto3 enums are open: a number without a name stays one. */
function enumName({ names }: Field, value: number): JsonValue {
  for (const [name, number] of Object.entries(names ?? {})) if (number === value) return name;
  return value;
}

function scalarJson(value: unknown): JsonValue {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return value as JsonValue;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}
