/**
 * What each field of Envoy's messages does to this proxy, found by doing it: in a resource that is taken, the field is set,
 * changed or left out, and the resource is read again. The table of docs/xds-support.md is held against it.
 */
import { readBootstrap } from '../../src/cli/bootstrap/read-bootstrap.ts';
import { FILTER_MODULES } from '../../src/filters/all.ts';
import { applyDelta, EMPTY_SNAPSHOT } from '../../src/snapshot/apply.ts';
import { anyTable } from '../../src/xds/tables/any-tables.ts';
import { fromJson } from '../../src/xds/wire/decode-json.ts';
import { encode } from '../../src/xds/wire/encode.ts';
import { protoName } from '../../src/xds/wire/field-name.ts';
import type { JsonObject, JsonValue } from '../../src/xds/wire/json.ts';
import { type Field, KIND, type Table } from '../../src/xds/wire/table.ts';
import { alike } from './alike.ts';

/** `taken`: the resource is read to something else. `refused`: with the field's name. `idle`: nothing changes. */
export type Effect = 'taken' | 'refused' | 'idle';

export interface Sample {
  /** Type URL of the resource; of a Bootstrap too. */
  readonly type: string;
  readonly json: JsonObject;
}

type Path = readonly (string | number)[];

/** What was seen of a field, in all its places and with all its values. */
export interface Seen {
  readonly effects: Set<Effect>;
  /** A refusal that does not name it. */
  vague: string;
}

/** Of one message in one sample. */
const MOST_INSTANCES = 9;

/** By `Message.field`, the message without `envoy.`. */
export function fieldEffects(
  samples: readonly Sample[],
  values: ReadonlyMap<string, readonly JsonValue[]>,
): ReadonlyMap<string, Seen> {
  const seen = new Map<string, Seen>();
  for (const { type, json } of samples) {
    const root = anyTable(type);
    if (root === undefined) throw new Error(`no table for ${type}`);
    const before = read(type, json);
    if ('reason' in before) throw new Error(`${type} ${JSON.stringify(json).slice(0, 200)}: ${before.reason}`);
    if (!alike(read(type, json), before)) throw new Error(`${type}: two readings differ`);
    const instances = new Map<string, number>();
    for (const [table, path] of messagesIn(root, json, [])) {
      const instance = (instances.get(table.name) ?? 0) + 1;
      instances.set(table.name, instance);
      if (instance > MOST_INSTANCES) continue;
      const bases = new Map<string, Reading>();
      for (const field of table.fields) {
        const key = `${table.name.replace(/^envoy\./, '')}.${protoName(field.name)}`;
        const note = seen.get(key) ?? { effects: new Set(), vague: '' };
        seen.set(key, note);
        const base = baseOf(bases, type, table, field, json, path) ?? before;
        for (const [variant, isWithout] of variants(table, field, json, path, values.get(key))) {
          const after = read(type, variant);
          if (!('reason' in after)) note.effects.add(alike(after, isWithout ? before : base) ? 'idle' : 'taken');
          // Names no field of the tables: there is nothing to learn of it.
          else if (after.reason.startsWith(UNWRITTEN)) note.vague = after.reason;
          // A resource that cannot do without it.
          else if (isWithout) note.effects.add('taken');
          else if (after.reason.includes(protoName(field.name))) note.effects.add('refused');
          else note.vague = after.reason;
        }
      }
    }
  }
  return seen;
}

/** A member of a oneof is held against none being set: its place is not empty where another is. */
function baseOf(
  bases: Map<string, Reading>,
  type: string,
  table: Table,
  { oneof }: Field,
  json: JsonObject,
  path: Path,
): Reading | undefined {
  if (oneof === null) return undefined;
  const known = bases.get(oneof);
  if (known !== undefined) return known;
  const holder = valueAt(json, path) as JsonObject;
  const kept = Object.entries(holder).filter(
    ([key]) => !table.fields.some((field) => field.oneof === oneof && protoName(field.name) === key),
  );
  const reading = read(type, replaced(json, path, Object.fromEntries(kept)) as JsonObject);
  bases.set(oneof, reading);
  return reading;
}

/** Begins what is wrong with a document before any reader sees it. */
const UNWRITTEN = 'not written';

type Reading = { readonly value: unknown } | { readonly reason: string };

function read(type: string, json: JsonObject): Reading {
  if (type.endsWith('.Bootstrap')) {
    const { bootstrap, problems } = readBootstrap(JSON.stringify(json), 'envoy.json');
    // What stands in it is looked at by itself.
    const statics = bootstrap?.statics.map((each) => [each.type, each.name]);
    return problems.length === 0
      ? { value: { ...bootstrap, statics } }
      : { reason: problems.map(({ what }) => what).join('; ') };
  }
  const table = anyTable(type) as Table<object>;
  const problems: string[] = [];
  const message = fromJson(table, json, {
    anyTables: anyTable,
    onProblem: ({ path, what }) => problems.push(`${what} at ${path.join('.')}`),
  });
  if (problems.length > 0) return { reason: `${UNWRITTEN}: ${problems.join('; ')}` };
  const name = textOf(json['name'] ?? json['cluster_name']);
  const resource = { type, name, version: '', bytes: encode(table, message) };
  const terms = { asks: () => true, tls: 'own' as const, noOriginalDestination: () => null };
  const { next, refused } = applyDelta(
    EMPTY_SNAPSHOT,
    { type, changed: [resource], removed: [] },
    FILTER_MODULES,
    terms,
  );
  const [first] = refused;
  return first === undefined ? { value: { ...next, bytes: null } } : { reason: first.reason };
}

/** Every message of the document, itself first, with where it stands. */
function* messagesIn(table: Table, json: JsonObject, path: Path): Generator<readonly [Table, Path]> {
  yield [table, path];
  for (const field of table.fields) {
    const name = protoName(field.name);
    const value = json[name];
    if (value === undefined || field.kind !== KIND.message || field.table === null) continue;
    if (table.name.endsWith('.StaticResources')) continue;
    const children: readonly (readonly [JsonValue, Path])[] =
      field.shape === 'list'
        ? (value as readonly JsonValue[]).map((each, i) => [each, [...path, name, i]] as const)
        : field.shape === 'map'
          ? Object.entries(value as JsonObject).map(([key, each]) => [each, [...path, name, key]] as const)
          : [[value, [...path, name]]];
    for (const [child, at] of children) {
      const isAny = field.table.name === 'google.protobuf.Any';
      const inner = isAny ? anyTable(textOf((child as JsonObject)['@type'])) : field.table;
      if (inner !== undefined) yield* messagesIn(inner, child as JsonObject, at);
    }
  }
}

/** The document without the field, and with each other value. */
function* variants(
  table: Table,
  field: Field,
  document: JsonObject,
  path: Path,
  given: readonly JsonValue[] | undefined,
): Generator<readonly [variant: JsonObject, isWithout: boolean]> {
  const name = protoName(field.name);
  const members = table.fields.filter(({ oneof }) => oneof !== null && oneof === field.oneof);
  const holder = valueAt(document, path);
  const others = Object.entries(holder as JsonObject).filter(
    ([key]) => key !== name && !members.some((member) => protoName(member.name) === key),
  );
  const put = (more: JsonObject): JsonObject =>
    replaced(document, path, { ...Object.fromEntries(others), ...more }) as JsonObject;
  if (name in (holder as JsonObject)) yield [put({}), true];
  for (const value of given ?? valuesOf(field)) yield [put({ [name]: value }), false];
}

const VALUES_OF_TYPE: ReadonlyMap<string, JsonValue> = new Map<string, JsonValue>([
  ['envoy.config.core.v3.Metadata', { filter_metadata: { 'envoy.lb': { other: '1' } } }],
  ['envoy.config.core.v3.CidrRange', { address_prefix: '10.9.0.0', prefix_len: 16 }],
  ['envoy.config.route.v3.HeaderMatcher', { name: 'x-other', present_match: true }],
  ['envoy.config.core.v3.HeaderValueOption', { header: { key: 'x-other', value: '1' } }],
  ['envoy.type.matcher.v3.RegexMatchAndSubstitute', { pattern: { regex: '^/a' }, substitution: '/b' }],
  ['envoy.config.route.v3.RouteAction.RequestMirrorPolicy', { cluster: 'mirror' }],
  ['envoy.config.core.v3.Address', { socket_address: { address: '10.1.2.3', port_value: 99 } }],
]);

function valueAt(document: JsonValue, path: Path): JsonValue {
  return path.reduce<JsonValue>((at, step) => (at as Record<string | number, JsonValue>)[step] ?? null, document);
}

/** Among them what no enum has, and what is no name. */
function valuesOf({ kind, shape, names, table }: Field): readonly JsonValue[] {
  const one = (): readonly JsonValue[] => {
    switch (kind) {
      case KIND.bool:
        return [true, false];
      case KIND.string:
        return ['other', '/other', '10.1.2.3', ''];
      case KIND.bytes:
        return ['b3RoZXI='];
      case KIND.duration:
        return ['7s', '0.3s'];
      case KIND.timestamp:
        return ['2026-01-31T12:00:00Z'];
      case KIND.enum:
        return [...(names === null ? [1, 2, 3] : Object.values(names)), 99];
      case KIND.message:
        return [VALUES_OF_TYPE.get(table?.name ?? '') ?? {}];
      case KIND.struct:
        return [{ other: 1 }];
      default:
        return [3, 50, 5_000];
    }
  };
  return shape === 'list'
    ? one().map((value) => [value])
    : shape === 'map'
      ? one().map((value) => ({ other: value }))
      : one();
}

function textOf(json: JsonValue | undefined): string {
  return typeof json === 'string' ? json : '';
}

function replaced(json: JsonValue, [step, ...rest]: Path, value: JsonValue): JsonValue {
  if (step === undefined) return value;
  if (Array.isArray(json)) return json.map((each: JsonValue, i) => (i === step ? replaced(each, rest, value) : each));
  const object = json as JsonObject;
  return { ...object, [step]: replaced(object[step] ?? {}, rest, value) };
}
