/**
 * A format string as one function from facts to text. Made once, when configuration is read: a request calls a list of
 * small functions and parses nothing. Texts hold bytes, one a character, as heads do: what goes out is latin1 of them.
 */
import type { JsonValue } from '../../xds/wire/json.ts';
import type { Facts } from './facts.ts';
import { byteText } from './byte-text.ts';
import type { Operator, Reach } from './operator.ts';
import { compileOperator } from './operators.ts';
import { parseFormat } from './parse-format.ts';

export type TextFormat = (facts: Facts) => string;

/** What stands where there is nothing to say. */
export type Absent = '-' | '';

/** Throws a WeftError at `where` with the position of the operator that is not known, or not understood. */
export function compileText(where: string, format: string, absent: Absent, reach: Reach): TextFormat {
  return joined(formatParts(where, format, reach), absent);
}

export function formatParts(where: string, format: string, reach: Reach): readonly (string | Operator)[] {
  return parseFormat(where, format).map((part) =>
    typeof part === 'string' ? byteText(part) : compileOperator(where, part, reach),
  );
}

export function joined(parts: readonly (string | Operator)[], absent: Absent): TextFormat {
  const [only] = parts;
  if (only === undefined) return () => '';
  if (parts.length === 1 && typeof only === 'function') return (facts) => shown(only(facts), absent);
  return (facts) => {
    let text = '';
    for (const part of parts) text += typeof part === 'string' ? part : shown(part(facts), absent);
    return text;
  };
}

function shown(value: JsonValue, absent: Absent): string {
  if (typeof value === 'string') return value;
  if (value === null) return absent;
  return typeof value === 'object' ? byteText(JSON.stringify(value)) : String(value);
}
