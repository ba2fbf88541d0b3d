/**
 * The runtime of a bootstrap file. Its values stand in for the defaults of the static resources that name their keys, here,
 * before these are read: nothing in a running proxy looks a key up.
 */
import { protoName } from '../../xds/wire/field-name.ts';
import type { JsonObject, JsonValue } from '../../xds/wire/json.ts';

export type Report = (path: readonly (string | number)[], what: string) => void;

/** Values by their dotted keys. */
export type RuntimeValues = ReadonlyMap<string, RuntimeValue>;

interface RuntimeValue {
  readonly value: JsonValue;
  readonly path: readonly (string | number)[];
}

/** They choose between ways in which Envoy itself is written. */
const OF_ENVOY = /^(?:envoy\.(?:reloadable_features|restart_features|deprecated_features)[.:]|re2\.max_program_size\.)/;

/** Of `layered_runtime`: a later layer wins. Layers that come from elsewhere while a proxy runs are refused. */
export function readRuntime(section: JsonValue | undefined, path: readonly string[], report: Report): RuntimeValues {
  const values = new Map<string, RuntimeValue>();
  const layers = memberOf(section, 'layers');
  for (const [i, layer] of (Array.isArray(layers?.value) ? layers.value : []).entries()) {
    for (const [key, content] of Object.entries(isObject(layer) ? layer : {})) {
      const at = [...path, layers?.key ?? 'layers', i, key];
      const field = protoName(key);
      if (field === 'static_layer') flatten(content as JsonValue, '', at, values);
      // An admin layer holds what POST /runtime_modify sets, which this proxy does not offer: it stays empty.
      else if (field !== 'name' && field !== 'admin_layer') report(at, `${field} is not supported`);
    }
  }
  return values;
}

function flatten(
  json: JsonValue,
  prefix: string,
  path: readonly (string | number)[],
  into: Map<string, RuntimeValue>,
): void {
  if (!isObject(json) || 'numerator' in json) {
    into.set(prefix, { value: json, path });
    return;
  }
  for (const [key, value] of Object.entries(json)) {
    flatten(value as JsonValue, prefix === '' ? key : `${prefix}.${key}`, [...path, key], into);
  }
}

/** Every `{ default_value, runtime_key }` with the value of its key; keys that nothing names are reported. */
export function applyRuntime(json: JsonValue, values: RuntimeValues, report: Report): JsonValue {
  if (values.size === 0) return json;
  const used = new Set<string>();
  const applied = withRuntime(json, values, used);
  for (const [key, { path }] of values) {
    if (!used.has(key) && !OF_ENVOY.test(key)) report(path, `nothing in this file reads the runtime key ${key}`);
  }
  return applied;
}

function withRuntime(json: JsonValue, values: RuntimeValues, used: Set<string>): JsonValue {
  if (Array.isArray(json)) return json.map((each: JsonValue) => withRuntime(each, values, used));
  if (!isObject(json)) return json;
  const key = memberOf(json, 'runtime_key')?.value;
  const fallback = memberOf(json, 'default_value');
  const found = typeof key === 'string' ? values.get(key) : undefined;
  if (typeof key === 'string' && found !== undefined && fallback !== undefined) {
    used.add(key);
    return { ...json, [fallback.key]: inForm(found.value, fallback.value) };
  }
  return Object.fromEntries(
    Object.entries(json).map(([name, value]) => [name, withRuntime(value as JsonValue, values, used)]),
  );
}

/** A number stands for a percentage where the default is a fraction or a percentage. */
function inForm(value: JsonValue, fallback: JsonValue): JsonValue {
  if (!isObject(fallback) || isObject(value)) return value;
  return 'value' in fallback ? { value } : { numerator: value, denominator: 'HUNDRED' };
}

export function memberOf(
  json: JsonValue | undefined,
  name: string,
): { readonly key: string; readonly value: JsonValue } | undefined {
  if (json === undefined || !isObject(json)) return undefined;
  const entry = Object.entries(json).find(([key]) => protoName(key) === name);
  return entry === undefined ? undefined : { key: entry[0], value: entry[1] as JsonValue };
}

export function isObject(json: JsonValue): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
