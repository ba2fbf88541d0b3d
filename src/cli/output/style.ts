/** Colours and weights, on a terminal only: NO_COLOR (no-color.org), TERM=dumb and pipes get plain text. */

export interface Style {
  readonly colored: boolean;
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  blue(text: string): string;
  cyan(text: string): string;
  magenta(text: string): string;
}

export type Paint = (text: string) => string;

/** `environment`: process.env, or a test's. FORCE_COLOR (not 0) colours pipes too. */
export function styleFor(isTerminal: boolean, environment: Readonly<Record<string, string | undefined>>): Style {
  const forced = (environment['FORCE_COLOR'] ?? '0') !== '0';
  const refused = (environment['NO_COLOR'] ?? '') !== '' || environment['TERM'] === 'dumb';
  const colored = !refused && (isTerminal || forced);
  const paint = (open: number, close: number): Paint =>
    colored ? (text) => `\x1b[${open}m${text}\x1b[${close}m` : (text) => text;
  return {
    colored,
    bold: paint(1, 22),
    dim: paint(2, 22),
    red: paint(31, 39),
    green: paint(32, 39),
    yellow: paint(33, 39),
    blue: paint(34, 39),
    magenta: paint(35, 39),
    cyan: paint(36, 39),
  };
}

const ESCAPES = /\x1b\[[0-9;?]*[A-Za-z]/g; // oxlint-disable-line no-control-regex

/** Columns on the screen: colours take none. */
export function visibleWidth(text: string): number {
  return text.replace(ESCAPES, '').length;
}

/** The first `width` columns; colours are closed. */
export function clip(text: string, width: number): string {
  if (visibleWidth(text) <= width) return text;
  let left = Math.max(0, width - 1);
  let out = '';
  for (const part of text.split(/(\x1b\[[0-9;?]*[A-Za-z])/)) {
    // oxlint-disable-line no-control-regex
    if (part.startsWith('\x1b[')) out += part;
    else {
      out += part.slice(0, left);
      left -= Math.min(left, part.length);
    }
  }
  return `${out}…`;
}

/** What others wrote (logs, names from a server) without what could steer a terminal. */
export function printable(text: string): string {
  return text.replace(ESCAPES, '').replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, ''); // oxlint-disable-line no-control-regex
}
