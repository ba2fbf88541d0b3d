/**
 * Plain objects to bytes by field table. Deterministic: fields in order of number, map entries in order of key, so that
 * equal messages have equal hashes.
 */
import type { JsonObject, JsonValue } from './json.ts';
import { Sink } from './sink.ts';
import { type Field, type Fields, KIND, type Kind, type Table } from './table.ts';
import { WIRE, wireTypeOf } from './wire-type.ts';

/** `message` is trusted to have the table's interface; fields that it lacks are written as unset. */
export function encode<T extends object>(table: Table<T>, message: T): Uint8Array {
  scratch.restart();
  writeMessage(scratch, table, message as Fields);
  return scratch.finish();
}

/** One for all messages, because nothing else runs while one is written: growing a new buffer each time costs more. */
const scratch = new Sink();

function writeMessage(sink: Sink, table: Table, message: Fields): void {
  for (const field of table.fields) writeField(sink, field, message);
}

function writeField(sink: Sink, field: Field, message: Fields): void {
  if (field.oneof !== null) {
    const chosen = message[field.oneof] as { case: string | undefined; value: unknown } | undefined;
    // A chosen member is written even when it is its default.
    if (chosen?.case === field.name) writeSingle(sink, field, chosen.value);
    return;
  }
  const value = message[field.name];
  if (value === undefined) return;
  if (field.shape === 'list') writeList(sink, field, value as readonly unknown[]);
  else if (field.shape === 'map') writeMap(sink, field, value as ReadonlyMap<unknown, unknown>);
  else if (field.shape !== 'plain' || !isZero(value)) writeSingle(sink, field, value);
}

function isZero(value: unknown): boolean {
  if (typeof value === 'object') return (value as Uint8Array).length === 0;
  // Negative zero is not the default of a floating-point field.
  return value === '' || value === false || value === 0n || Object.is(value, 0);
}

function writeSingle(sink: Sink, field: Field, value: unknown): void {
  if (field.shape !== 'wrapped') {
    writeOne(sink, field.number, field.kind, field.table, value);
    return;
  }
  sink.tag(field.number, WIRE.bytes);
  const start = sink.begin();
  if (!isZero(value)) writeOne(sink, 1, field.kind, null, value);
  sink.end(start);
}

function writeList(sink: Sink, field: Field, values: readonly unknown[]): void {
  if (values.length === 0) return;
  if (wireTypeOf(field.kind) === WIRE.bytes) {
    for (const value of values) writeOne(sink, field.number, field.kind, field.table, value);
    return;
  }
  sink.tag(field.number, WIRE.bytes);
  const start = sink.begin();
  for (const value of values) writeScalar(sink, field.kind, value);
  sink.end(start);
}

function writeMap(sink: Sink, field: Field, map: ReadonlyMap<unknown, unknown>): void {
  const entries = [...map].sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1));
  for (const [key, value] of entries) {
    sink.tag(field.number, WIRE.bytes);
    const start = sink.begin();
    writeOne(sink, 1, field.keyKind, null, key);
    writeOne(sink, 2, field.kind, field.table, value);
    sink.end(start);
  }
}

function writeOne(sink: Sink, number: number, kind: Kind, table: Table | null, value: unknown): void {
  sink.tag(number, wireTypeOf(kind));
  if (kind < KIND.duration && kind !== KIND.message) {
    writeScalar(sink, kind, value);
    return;
  }
  const start = sink.begin();
  if (table !== null) writeMessage(sink, table, value as Fields);
  else if (kind === KIND.struct) writeStruct(sink, value as JsonObject);
  else if (kind === KIND.value) writeValue(sink, value as JsonValue);
  else writeMilliseconds(sink, value as number, kind === KIND.timestamp);
  sink.end(start);
}

function writeScalar(sink: Sink, kind: Kind, value: unknown): void {
  switch (kind) {
    case KIND.string:
      sink.string(value as string);
      return;
    case KIND.bytes:
      sink.blob(value as Uint8Array);
      return;
    case KIND.bool:
      sink.varint(value === true ? 1 : 0);
      return;
    case KIND.uint32:
      sink.varint((value as number) >>> 0);
      return;
    case KIND.int32:
    case KIND.enum:
      sink.int32(value as number);
      return;
    case KIND.int64:
    case KIND.uint64:
      sink.varint64(value as bigint);
      return;
    case KIND.sint32:
      sink.varint((((value as number) << 1) ^ ((value as number) >> 31)) >>> 0);
      return;
    case KIND.sint64:
      sink.varint64(((value as bigint) << 1n) ^ ((value as bigint) >> 63n));
      return;
    case KIND.float:
      sink.float(value as number);
      return;
    case KIND.double:
      sink.double(value as number);
      return;
    case KIND.fixed32:
    case KIND.sfixed32:
      sink.fixed32(value as number);
      return;
    default:
      sink.fixed64(value as bigint);
  }
}

/** A Duration's parts share their sign; a Timestamp's nanos count forward, before the epoch too. */
function writeMilliseconds(sink: Sink, ms: number, isTimestamp: boolean): void {
  let seconds = isTimestamp ? Math.floor(ms / 1000) : Math.trunc(ms / 1000);
  let nanos = Math.round((ms - seconds * 1000) * 1e6);
  if (Math.abs(nanos) === 1e9) {
    seconds += Math.sign(nanos);
    nanos = 0;
  }
  if (seconds !== 0) {
    sink.tag(1, WIRE.varint);
    sink.varint64(BigInt(seconds));
  }
  if (nanos !== 0) {
    sink.tag(2, WIRE.varint);
    sink.int32(nanos);
  }
}

function writeStruct(sink: Sink, object: JsonObject): void {
  for (const key of Object.keys(object).sort()) {
    sink.tag(1, WIRE.bytes);
    const entry = sink.begin();
    sink.tag(1, WIRE.bytes);
    sink.string(key);
    sink.tag(2, WIRE.bytes);
    const start = sink.begin();
    writeValue(sink, object[key] ?? null);
    sink.end(start);
    sink.end(entry);
  }
}

function writeValue(sink: Sink, value: JsonValue): void {
  if (value === null) {
    sink.tag(1, WIRE.varint);
    sink.varint(0);
  } else if (typeof value === 'number') {
    sink.tag(2, WIRE.fixed64);
    sink.double(value);
  } else if (typeof value === 'string') {
    sink.tag(3, WIRE.bytes);
    sink.string(value);
  } else if (typeof value === 'boolean') {
    sink.tag(4, WIRE.varint);
    sink.varint(value ? 1 : 0);
  } else {
    const isList = Array.isArray(value);
    sink.tag(isList ? 6 : 5, WIRE.bytes);
    const start = sink.begin();
    if (isList) for (const element of value as readonly JsonValue[]) writeElement(sink, element);
    else writeStruct(sink, value as JsonObject);
    sink.end(start);
  }
}

function writeElement(sink: Sink, element: JsonValue): void {
  sink.tag(1, WIRE.bytes);
  const start = sink.begin();
  writeValue(sink, element);
  sink.end(start);
}
