/**
 * Bytes to plain objects by field table. Follows protobuf's rules for parsers: unknown fields are skipped, a repeated
 * message field merges, the last member of a oneof wins, packed and unpacked lists are one. Every input is bounded.
 */
import { WeftError } from '../../core/errors.ts';
import { Cursor } from './cursor.ts';
import { countElement, type Decoding, descend } from './decoding.ts';
import type { JsonObject } from './json.ts';
import { readMilliseconds, readStruct, readValue } from './well-known.ts';
import { WIRE, wireTypeOf } from './wire-type.ts';
import { type Field, type Fields, KIND, type Kind, type Table, zeroOf } from './table.ts';

export interface DecodeOptions {
  /** Of the whole message; default 64 MiB. */
  readonly maxBytes?: number;
  /** Of nested messages; default 64. */
  readonly maxDepth?: number;
  /** List elements, map entries and nested messages in all; default 1,000,000. A two-byte element costs 100 bytes of memory. */
  readonly maxElements?: number;
  /** Called for each field that the table does not have, with the path of its message and its number. */
  readonly onUnknown?: (path: string, fieldNumber: number) => void;
}

/** Throws a WeftError `invalid` or `limit-exceeded` whose `where` is the field path. The result shares nothing with `bytes`. */
export function decode<T>(table: Table<T>, bytes: Uint8Array, options: DecodeOptions = {}): T {
  const maxBytes = options.maxBytes ?? 64 << 20;
  if (bytes.length > maxBytes) {
    throw new WeftError('limit-exceeded', {
      what: `message of ${bytes.length} bytes, at most ${maxBytes}`,
      where: table.name,
    });
  }
  const decoding: Decoding = {
    cursor: new Cursor(bytes, table.name),
    depth: options.maxDepth ?? 64,
    elements: options.maxElements ?? 1_000_000,
    onUnknown: options.onUnknown ?? null,
  };
  const message = table.blank();
  readMessage(decoding, table, message);
  return message as T;
}

/** Reads to the cursor's end into a message that may hold values already. */
function readMessage(decoding: Decoding, table: Table, message: Fields): void {
  const { cursor } = decoding;
  while (cursor.at < cursor.end) {
    const tag = cursor.varint();
    const number = tag >>> 3;
    if (cursor.high !== 0 || number === 0) throw cursor.fault('invalid field number');
    const field = table.field(number);
    if (field === undefined) {
      cursor.skip(tag & 7);
      decoding.onUnknown?.(cursor.where(), number);
      continue;
    }
    cursor.path.push(field.name);
    readField(decoding, field, tag & 7, message);
    cursor.path.pop();
  }
}

function readField(decoding: Decoding, field: Field, wireType: number, message: Fields): void {
  if (field.shape === 'list') readList(decoding, field, wireType, message);
  else if (field.shape === 'map') readEntry(decoding, field, wireType, message);
  else if (field.oneof === null) message[field.name] = readSingle(decoding, field, wireType, message[field.name]);
  else {
    const last = message[field.oneof] as { case: string | undefined; value: unknown };
    const same = last.case === field.name ? last.value : undefined;
    message[field.oneof] = { case: field.name, value: readSingle(decoding, field, wireType, same) };
  }
}

/** `last` is what an earlier occurrence of the field left: messages merge into it. */
function readSingle(decoding: Decoding, field: Field, wireType: number, last: unknown): unknown {
  if (field.table !== null) countElement(decoding);
  if (field.shape === 'wrapped') return readWrapped(decoding, field.kind, wireType, last);
  return readOne(decoding, field.kind, field.table, wireType, last);
}

function readList(decoding: Decoding, field: Field, wireType: number, message: Fields): void {
  const { cursor } = decoding;
  const shared = message[field.name] as unknown[];
  // Blank messages share one frozen empty list.
  const list = shared.length === 0 ? [] : shared;
  message[field.name] = list;
  if (wireType === WIRE.bytes && wireTypeOf(field.kind) !== WIRE.bytes) {
    const outer = cursor.end;
    cursor.end = cursor.delimited();
    while (cursor.at < cursor.end) {
      countElement(decoding);
      list.push(readScalar(cursor, field.kind));
    }
    cursor.end = outer;
    return;
  }
  countElement(decoding);
  cursor.path.push(list.length);
  list.push(readOne(decoding, field.kind, field.table, wireType, undefined));
  cursor.path.pop();
}

/** A map is a list of entries with fields 1 (key) and 2 (value); the last of a key wins. */
function readEntry(decoding: Decoding, field: Field, wireType: number, message: Fields): void {
  const { cursor } = decoding;
  if (wireType !== WIRE.bytes) throw cursor.fault(`wire type ${wireType} for a map`);
  countElement(decoding);
  const outer = cursor.end;
  cursor.end = cursor.delimited();
  let key = zeroOf(field.keyKind);
  let value: unknown = field.table === null ? zeroOf(field.kind) : undefined;
  while (cursor.at < cursor.end) {
    const tag = cursor.varint();
    if (tag >>> 3 === 1) key = readOne(decoding, field.keyKind, null, tag & 7, undefined);
    else if (tag >>> 3 === 2) {
      cursor.path.push(String(key));
      value = readOne(decoding, field.kind, field.table, tag & 7, value);
      cursor.path.pop();
    } else cursor.skip(tag & 7);
  }
  cursor.end = outer;
  const shared = message[field.name] as Map<unknown, unknown>;
  const map = shared.size === 0 ? new Map<unknown, unknown>() : shared;
  map.set(key, value ?? emptyOf(field));
  message[field.name] = map;
}

/** An entry without a value has the empty message. */
function emptyOf(field: Field): unknown {
  if (field.table !== null) return field.table.blank();
  if (field.kind === KIND.struct) return {};
  if (field.kind === KIND.value) return null;
  return field.kind === KIND.duration || field.kind === KIND.timestamp ? 0 : zeroOf(field.kind);
}

function readOne(decoding: Decoding, kind: Kind, table: Table | null, wireType: number, last: unknown): unknown {
  const { cursor } = decoding;
  if (wireType !== wireTypeOf(kind)) throw cursor.fault(`wire type ${wireType}, expected ${wireTypeOf(kind)}`);
  if (kind < KIND.duration && kind !== KIND.message) return readScalar(cursor, kind);
  return descend(decoding, () => {
    if (table !== null) {
      const message = (last as Fields | undefined) ?? table.blank();
      readMessage(decoding, table, message);
      return message;
    }
    if (kind === KIND.struct) return readStruct(decoding, last as JsonObject | undefined);
    if (kind === KIND.value) return readValue(decoding);
    return readMilliseconds(cursor, last as number | undefined);
  });
}

/** google.protobuf.*Value: a message whose field 1 is the value. */
function readWrapped(decoding: Decoding, kind: Kind, wireType: number, last: unknown): unknown {
  const { cursor } = decoding;
  if (wireType !== WIRE.bytes) throw cursor.fault(`wire type ${wireType} for a wrapper`);
  let value = last ?? zeroOf(kind);
  const outer = cursor.end;
  cursor.end = cursor.delimited();
  while (cursor.at < cursor.end) {
    const tag = cursor.varint();
    if (tag >>> 3 === 1) value = readOne(decoding, kind, null, tag & 7, undefined);
    else cursor.skip(tag & 7);
  }
  cursor.end = outer;
  return value;
}

function readScalar(cursor: Cursor, kind: Kind): unknown {
  switch (kind) {
    case KIND.string:
      return cursor.string();
    case KIND.bool:
      return (cursor.varint() | cursor.high) !== 0;
    case KIND.uint32:
      return cursor.varint() >>> 0;
    case KIND.enum:
    case KIND.int32:
      return cursor.varint();
    case KIND.bytes:
      return cursor.copy();
    case KIND.uint64:
      return cursor.uint64();
    case KIND.int64:
      return cursor.int64();
    case KIND.double:
      return cursor.double();
    case KIND.float:
      return cursor.float();
    case KIND.sint32: {
      const raw = cursor.varint();
      return (raw >>> 1) ^ -(raw & 1);
    }
    case KIND.sint64: {
      const raw = cursor.uint64();
      return BigInt.asIntN(64, (raw >> 1n) ^ -(raw & 1n));
    }
    case KIND.fixed32:
      return cursor.fixed32();
    case KIND.sfixed32:
      return cursor.sfixed32();
    case KIND.fixed64:
      return cursor.fixed64();
    case KIND.sfixed64:
      return cursor.sfixed64();
    default:
      throw cursor.fault(`kind ${kind} is not a scalar`);
  }
}
