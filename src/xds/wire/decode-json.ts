/**
 * Proto3's JSON to plain objects by field table: bootstrap files and what a REST server answers. Everything that is wrong
 * is reported with its place, and reading goes on, so that a person sees all of it at once. What protobuf's reader in C++
 * takes beyond the specification is taken too: files are written against Envoy, which reads with it.
 */
import { encode } from './encode.ts';
import { protoName } from './field-name.ts';
import type { JsonValue } from './json.ts';
import type { AnyTables } from './encode-json.ts';
import { type Field, type Fields, KIND, type Kind, type Table, zeroOf } from './table.ts';

/** Keys and indices from the root of the document, as they are written there. */
export type JsonPath = readonly (string | number)[];

export interface JsonProblem {
  readonly path: JsonPath;
  /** `unknown`: a field or type that the tables do not have; `invalid`: a value that has no proper form. */
  readonly kind: 'unknown' | 'invalid';
  readonly what: string;
}

export interface DecodeJsonOptions {
  readonly anyTables: AnyTables;
  readonly onProblem: (problem: JsonProblem) => void;
  /** Nested objects and lists; default 100. */
  readonly maxDepth?: number;
}

/** What could not be read is left unset. */
export function fromJson<T>(table: Table<T>, json: JsonValue, options: DecodeJsonOptions): T {
  return new JsonReader(options).message(table, json, []) as T;
}

class JsonReader {
  readonly #options: DecodeJsonOptions;
  readonly #maxDepth: number;

  constructor(options: DecodeJsonOptions) {
    this.#options = options;
    this.#maxDepth = options.maxDepth ?? 100;
  }

  message(table: Table, json: JsonValue, path: JsonPath, except = ''): Fields {
    const message = table.blank();
    if (!isObject(json)) {
      this.#invalid(path, 'an object is expected');
      return message;
    }
    if (path.length > this.#maxDepth) {
      this.#invalid(path, 'nested too deep');
      return message;
    }
    for (const [key, value] of Object.entries(json)) {
      if (key === except) continue;
      const at = [...path, key];
      const field = table.fields.find(({ name }) => name === key || protoName(name) === key);
      if (field === undefined) this.#unknown(at, `${table.name} has no field ${key} that this proxy knows`);
      else if (value !== null || field.kind === KIND.value) this.#field(field, message, value, at);
    }
    return message;
  }

  #field(field: Field, message: Fields, json: JsonValue, path: JsonPath): void {
    const value = this.#value(field, json, path);
    if (value === undefined) return;
    if (field.oneof === null) {
      message[field.name] = value;
      return;
    }
    const chosen = message[field.oneof] as { readonly case: string | undefined };
    if (chosen.case !== undefined) this.#invalid(path, `${protoName(chosen.case)} is set as well: one of the two`);
    else message[field.oneof] = { case: field.name, value };
  }

  #value(field: Field, json: JsonValue, path: JsonPath): unknown {
    if (field.shape === 'list') {
      if (isObject(json)) return [this.#one(field, json, path) ?? []].flat();
      if (!Array.isArray(json)) return this.#invalid(path, 'a list is expected');
      return json.flatMap((each, i) => this.#one(field, each, [...path, i]) ?? []);
    }
    if (field.shape === 'map') {
      if (!isObject(json)) return this.#invalid(path, 'an object is expected');
      const map = new Map<unknown, unknown>();
      for (const [key, each] of Object.entries(json)) {
        const value = this.#one(field, each, [...path, key]);
        if (value !== undefined) map.set(field.keyKind === KIND.string ? key : Number(key), value);
      }
      return map;
    }
    // Envoy's files may write `{ value: 5 }` for a wrapper's 5.
    if (field.shape === 'wrapped' && isObject(json)) {
      const { value, ...more } = json;
      if (Object.keys(more).length > 0) return this.#invalid(path, 'a value is expected');
      return value === undefined ? zeroOf(field.kind) : this.#one(field, value, [...path, 'value']);
    }
    return this.#one(field, json, path);
  }

  #one(field: Field, json: JsonValue, path: JsonPath): unknown {
    switch (field.kind) {
      case KIND.message:
        if (field.table === null) return undefined;
        return field.table.name === 'google.protobuf.Any'
          ? this.#any(json, path)
          : this.message(field.table, json, path);
      case KIND.enum:
        return this.#enum(field, json, path);
      case KIND.duration:
        return durationMs(json) ?? this.#invalid(path, 'a duration is expected, such as 0.25s');
      case KIND.timestamp: {
        const at = typeof json === 'string' ? Date.parse(json) : Number.NaN;
        return Number.isNaN(at) ? this.#invalid(path, 'a time is expected, such as 2026-01-31T12:00:00Z') : at;
      }
      case KIND.struct:
        return isObject(json) ? json : this.#invalid(path, 'an object is expected');
      case KIND.value:
        return json;
      default:
        return this.#scalar(field.kind, json, path);
    }
  }

  #any(json: JsonValue, path: JsonPath): unknown {
    const typeUrl = isObject(json) ? json['@type'] : undefined;
    if (typeof typeUrl !== 'string') return this.#invalid(path, '@type is required');
    const table = this.#options.anyTables(typeUrl);
    if (table === undefined) {
      this.#unknown([...path, '@type'], `nothing in this proxy reads ${typeUrl}`);
      return { typeUrl, value: new Uint8Array(0) };
    }
    const value = encode(table as Table<object>, this.message(table, json, path, '@type'));
    return { typeUrl: `type.googleapis.com/${table.name}`, value };
  }

  #enum({ names }: Field, json: JsonValue, path: JsonPath): unknown {
    if (typeof json === 'number' && Number.isInteger(json)) return json;
    if (typeof json === 'string' && names !== null) {
      if (Object.hasOwn(names, json)) return names[json];
      const name = Object.keys(names).find((each) => each.toLowerCase() === json.toLowerCase());
      if (name !== undefined) return names[name];
      if (/^-?\d{1,9}$/.test(json)) return Number(json);
    }
    return this.#invalid(path, `one of ${Object.keys(names ?? {}).join(', ')} is expected`);
  }

  #scalar(kind: Kind, json: JsonValue, path: JsonPath): unknown {
    switch (kind) {
      case KIND.string:
        return typeof json === 'string' ? json : this.#invalid(path, 'a text is expected');
      case KIND.bool:
        if (json === 'true' || json === 'false') return json === 'true';
        return typeof json === 'boolean' ? json : this.#invalid(path, 'true or false is expected');
      case KIND.bytes:
        return typeof json === 'string' ? Buffer.from(json, 'base64') : this.#invalid(path, 'base64 is expected');
      default:
        return this.#number(kind, json, path);
    }
  }

  #number(kind: Kind, json: JsonValue, path: JsonPath): unknown {
    const value = typeof json === 'string' && json.trim() !== '' ? Number(json) : json;
    if (typeof value !== 'number' || Number.isNaN(value)) return this.#invalid(path, 'a number is expected');
    if (kind === KIND.double || kind === KIND.float) return value;
    if (!Number.isInteger(value)) return this.#invalid(path, 'a whole number is expected');
    if (typeof zeroOf(kind) === 'bigint') return BigInt(json as string | number);
    const isUnsigned = kind === KIND.uint32 || kind === KIND.fixed32;
    const [least, most] = isUnsigned ? [0, 0xff_ff_ff_ff] : [-0x80_00_00_00, 0x7f_ff_ff_ff];
    return value < least || value > most ? this.#invalid(path, `between ${least} and ${most} is expected`) : value;
  }

  #unknown(path: JsonPath, what: string): undefined {
    this.#options.onProblem({ path, kind: 'unknown', what });
    return undefined;
  }

  #invalid(path: JsonPath, what: string): undefined {
    this.#options.onProblem({ path, kind: 'invalid', what });
    return undefined;
  }
}

/** `0.25s`, or the fields of the message. Undefined: neither. */
function durationMs(json: JsonValue): number | undefined {
  if (typeof json === 'string') {
    const match = /^(-?\d{1,12}(?:\.\d{1,9})?)s$/.exec(json);
    return match === null ? undefined : Number(match[1]) * 1000;
  }
  if (!isObject(json)) return undefined;
  const { seconds = 0, nanos = 0, ...more } = json;
  const ms = Number(seconds) * 1000 + Number(nanos) / 1e6;
  return Number.isFinite(ms) && Object.keys(more).length === 0 ? ms : undefined;
}

function isObject(json: JsonValue): json is { readonly [key: string]: JsonValue } {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
