/**
 * Envoy's `json_format`: an object whose texts are formats, as one function from facts to a line of JSON. Keys stand in
 * their order by bytes; a text that is one operator alone keeps its type, so that a number is one in the line as well.
 */
import { isUtf8 } from 'node:buffer';
import { invalid } from '../../xds/problem.ts';
import type { JsonObject, JsonValue } from '../../xds/wire/json.ts';
import { byteText } from './byte-text.ts';
import type { Facts } from './facts.ts';
import type { Reach } from './operator.ts';
import { formatParts, joined, type TextFormat } from './text-format.ts';

/** Objects and lists within one another. */
const MAX_DEPTH = 16;

/** JSON text of a value; empty: it is left out. */
type Part = (facts: Facts) => string;

/** `omitEmpty` leaves out what has no value, and objects and lists that are empty then. */
export function compileJson(where: string, format: JsonObject, omitEmpty: boolean, reach: Reach): TextFormat {
  const part = compileObject(where, format, { omitEmpty, reach }, 0);
  return (facts) => part(facts) || '{}';
}

interface Options {
  readonly omitEmpty: boolean;
  readonly reach: Reach;
}

function compileValue(where: string, value: JsonValue, options: Options, depth: number): Part {
  if (typeof value === 'string') return compileTextValue(where, value, options);
  if (isList(value)) return compileList(where, value, options, depth + 1);
  if (typeof value === 'object' && value !== null) return compileObject(where, value, options, depth + 1);
  const text = value === null && options.omitEmpty ? '' : JSON.stringify(value);
  return () => text;
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function compileTextValue(where: string, format: string, { omitEmpty, reach }: Options): Part {
  const parts = formatParts(where, format, reach);
  const [only] = parts;
  const absent = omitEmpty ? '' : 'null';
  if (parts.length === 1 && typeof only === 'function') {
    return (facts) => {
      const value = only(facts);
      return value === null ? absent : jsonValue(value);
    };
  }
  const whole = joined(parts, omitEmpty ? '' : '-');
  return (facts) => jsonString(whole(facts));
}

function compileObject(where: string, object: JsonObject, options: Options, depth: number): Part {
  checkDepth(where, depth);
  const members = Object.entries(object)
    .toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map(([key, value]) => ({
      key: `${jsonString(byteText(key))}:`,
      part: compileValue(`${where}.${key}`, value, options, depth),
    }));
  return (facts) => {
    let text = '';
    for (const { key, part } of members) {
      const value = part(facts);
      if (value !== '') text += text === '' ? `${key}${value}` : `,${key}${value}`;
    }
    return text === '' && options.omitEmpty ? '' : `{${text}}`;
  };
}

function compileList(where: string, list: readonly JsonValue[], options: Options, depth: number): Part {
  checkDepth(where, depth);
  const items = list.map((value, i) => compileValue(`${where}[${i}]`, value, options, depth));
  return (facts) => {
    let text = '';
    for (const item of items) {
      const value = item(facts);
      if (value !== '') text += text === '' ? value : `,${value}`;
    }
    return text === '' && options.omitEmpty ? '' : `[${text}]`;
  };
}

function checkDepth(where: string, depth: number): void {
  if (depth > MAX_DEPTH) throw invalid(where, `more than ${MAX_DEPTH} objects and lists within one another`);
}

function jsonValue(value: JsonValue): string {
  if (typeof value === 'string') return jsonString(value);
  return typeof value === 'object' ? byteText(JSON.stringify(value)) : String(value);
}

/** Bytes that are no UTF-8 are escaped one by one, as Envoy does; a line of JSON must be readable. */
function jsonString(text: string): string {
  if (/^[\x20\x21\x23-\x5b\x5d-\x7e]*$/.test(text)) return `"${text}"`;
  const json = JSON.stringify(text);
  if (isUtf8(Buffer.from(text, 'latin1'))) return json;
  return json.replace(/[\x80-\xff]/g, (byte) => `\\u00${byte.charCodeAt(0).toString(16)}`);
}
