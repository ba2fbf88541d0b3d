/** Envoy's format strings, taken apart: texts, and commands between percent signs. What a command means is `operators.ts`. */
import { invalid } from '../../xds/problem.ts';

export interface Command {
  readonly name: string;
  /** Between the parentheses; null: there are none. */
  readonly argument: string | null;
  /** Bytes at most, behind a colon; 0: all. */
  readonly maxLength: number;
  /** Of its percent sign in the format, from 0: errors name it. */
  readonly at: number;
}

/** `%NAME%`, `%NAME(argument)%`, either with `:length` before the last sign. */
const COMMAND = /%([A-Z0-9_]+)(?:\(([^)]*)\))?(?::([0-9]{1,7}))?%/y;

/** More in one format is no format. */
const MAX_PARTS = 1_000;

/** Two percent signs are one. Throws a WeftError with the position of what is no command. */
export function parseFormat(where: string, format: string): readonly (string | Command)[] {
  const parts: (string | Command)[] = [];
  let text = '';
  for (let at = 0; at < format.length; ) {
    const sign = format.indexOf('%', at);
    if (sign < 0 || format[sign + 1] === '%') {
      const end = sign < 0 ? format.length : sign + 1;
      text += format.slice(at, end);
      at = sign < 0 ? end : end + 1;
      continue;
    }
    text += format.slice(at, sign);
    COMMAND.lastIndex = sign;
    const found = COMMAND.exec(format);
    if (found === null) {
      throw invalid(where, `no command at character ${sign}: ${JSON.stringify(format.slice(sign, sign + 40))}`);
    }
    if (text !== '') parts.push(text);
    text = '';
    const [whole, name = '', argument = null, maxLength = '0'] = found;
    parts.push({ name, argument, maxLength: Number(maxLength), at: sign });
    if (parts.length > MAX_PARTS) throw invalid(where, `more than ${MAX_PARTS} parts`);
    at = sign + whole.length;
  }
  if (text !== '') parts.push(text);
  return parts;
}
