/** Reads the well-known types that become plain values: Duration, Timestamp, Struct and Value. */
import type { Cursor } from './cursor.ts';
import { countElement, type Decoding, descend } from './decoding.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { WIRE } from './wire-type.ts';

/** Duration and Timestamp alike: seconds (1) and nanos (2). `last` is an earlier occurrence, which merges. */
export function readMilliseconds(cursor: Cursor, last: number | undefined): number {
  let seconds = Math.trunc((last ?? 0) / 1000);
  let nanos = Math.round(((last ?? 0) - seconds * 1000) * 1e6);
  while (cursor.at < cursor.end) {
    const tag = cursor.varint();
    if (tag === ((1 << 3) | WIRE.varint)) {
      seconds = Number(cursor.int64());
      // The range of both types; past it milliseconds are no longer exact.
      if (Math.abs(seconds) > 315_576_000_000) throw cursor.fault('seconds out of range');
    } else if (tag === ((2 << 3) | WIRE.varint)) {
      nanos = cursor.varint();
      if (Math.abs(nanos) > 999_999_999) throw cursor.fault('nanos out of range');
    } else cursor.skip(tag & 7);
  }
  return seconds * 1000 + nanos / 1e6;
}

/** The cursor's end is the struct's. */
export function readStruct(decoding: Decoding, last: JsonObject | undefined): JsonObject {
  const { cursor } = decoding;
  const object: Record<string, JsonValue> = Object.assign(Object.create(null), last);
  while (cursor.at < cursor.end) {
    const tag = cursor.varint();
    if (tag !== ((1 << 3) | WIRE.bytes)) {
      cursor.skip(tag & 7);
      continue;
    }
    countElement(decoding);
    const outer = cursor.end;
    cursor.end = cursor.delimited();
    let key = '';
    let value: JsonValue = null;
    while (cursor.at < cursor.end) {
      const inner = cursor.varint();
      if (inner === ((1 << 3) | WIRE.bytes)) key = cursor.string();
      else if (inner === ((2 << 3) | WIRE.bytes)) value = descend(decoding, () => readValue(decoding));
      else cursor.skip(inner & 7);
    }
    object[key] = value;
    cursor.end = outer;
  }
  return object;
}

/** A Value without a kind reads as null. The last kind wins. */
export function readValue(decoding: Decoding): JsonValue {
  const { cursor } = decoding;
  let value: JsonValue = null;
  while (cursor.at < cursor.end) {
    const tag = cursor.varint();
    if (tag === ((1 << 3) | WIRE.varint)) {
      cursor.varint();
      value = null;
    } else if (tag === ((2 << 3) | WIRE.fixed64)) value = cursor.double();
    else if (tag === ((3 << 3) | WIRE.bytes)) value = cursor.string();
    else if (tag === ((4 << 3) | WIRE.varint)) value = cursor.varint() !== 0;
    else if (tag === ((5 << 3) | WIRE.bytes)) value = descend(decoding, () => readStruct(decoding, undefined));
    else if (tag === ((6 << 3) | WIRE.bytes)) value = descend(decoding, () => readValues(decoding));
    else cursor.skip(tag & 7);
  }
  return value;
}

function readValues(decoding: Decoding): JsonValue[] {
  const { cursor } = decoding;
  const values: JsonValue[] = [];
  while (cursor.at < cursor.end) {
    const tag = cursor.varint();
    if (tag !== ((1 << 3) | WIRE.bytes)) {
      cursor.skip(tag & 7);
      continue;
    }
    countElement(decoding);
    values.push(descend(decoding, () => readValue(decoding)));
  }
  return values;
}
