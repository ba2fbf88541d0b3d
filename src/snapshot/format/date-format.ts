/** Times as Envoy's START_TIME and its like write them: strftime, with `%3f` for so many digits of a second's fraction. */
import { unsupported } from '../../xds/problem.ts';

/** Milliseconds on the wall clock, with fractions, as text. */
export type DateFormat = (wallMs: number) => string;

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
];
const DAY_MS = 86_400_000;

/** Of the moment, moved by the zone's offset: what UTC says of it is the local time. */
interface Moment {
  readonly date: Date;
  /** Nanoseconds within the second; the clock knows microseconds. */
  readonly nanos: number;
  readonly epochSeconds: number;
  readonly offsetMinutes: number;
}

const CONVERSIONS: Readonly<Record<string, (moment: Moment) => string>> = {
  '%': () => '%',
  n: () => '\n',
  t: () => '\t',
  Y: ({ date }) => String(date.getUTCFullYear()),
  y: ({ date }) => padded(date.getUTCFullYear() % 100, 2),
  m: ({ date }) => padded(date.getUTCMonth() + 1, 2),
  d: ({ date }) => padded(date.getUTCDate(), 2),
  e: ({ date }) => String(date.getUTCDate()).padStart(2),
  H: ({ date }) => padded(date.getUTCHours(), 2),
  I: ({ date }) => padded(((date.getUTCHours() + 11) % 12) + 1, 2),
  p: ({ date }) => (date.getUTCHours() < 12 ? 'AM' : 'PM'),
  M: ({ date }) => padded(date.getUTCMinutes(), 2),
  S: ({ date }) => padded(date.getUTCSeconds(), 2),
  s: ({ epochSeconds }) => String(epochSeconds),
  f: ({ nanos }) => padded(nanos, 9),
  a: ({ date }) => (DAYS[date.getUTCDay()] ?? '').slice(0, 3),
  A: ({ date }) => DAYS[date.getUTCDay()] ?? '',
  b: ({ date }) => (MONTHS[date.getUTCMonth()] ?? '').slice(0, 3),
  h: ({ date }) => (MONTHS[date.getUTCMonth()] ?? '').slice(0, 3),
  B: ({ date }) => MONTHS[date.getUTCMonth()] ?? '',
  j: ({ date }) => padded(dayOfYear(date), 3),
  u: ({ date }) => String(((date.getUTCDay() + 6) % 7) + 1),
  w: ({ date }) => String(date.getUTCDay()),
  F: ({ date }) => date.toISOString().slice(0, 10),
  T: ({ date }) => date.toISOString().slice(11, 19),
  R: ({ date }) => date.toISOString().slice(11, 16),
  z: ({ offsetMinutes }) => zone(offsetMinutes),
  Z: ({ offsetMinutes }) => (offsetMinutes === 0 ? 'UTC' : zone(offsetMinutes)),
};

/** Empty: `2026-01-31T12:00:00.000Z`, or with the zone's offset in place of the Z. */
export function compileDate(where: string, format: string, local: boolean): DateFormat {
  if (format === '') return local ? compileDate(where, '%Y-%m-%dT%H:%M:%S.%3f%z', true) : isoTime();
  const parts = format.split(/(%[1-9]?[A-Za-z%])/).filter((part) => part !== '');
  const writers = parts.map((part) => (part.startsWith('%') ? conversion(where, part) : () => part));
  return (wallMs) => {
    const moment = momentOf(wallMs, local);
    let text = '';
    for (const write of writers) text += write(moment);
    return text;
  };
}

function conversion(where: string, text: string): (moment: Moment) => string {
  const digits = Number(text.slice(1, -1));
  const letter = text.slice(-1);
  if (digits > 0 && letter === 'f') return ({ nanos }) => padded(nanos, 9).slice(0, digits);
  const known = digits > 0 || text.length < 2 ? undefined : CONVERSIONS[letter];
  if (known === undefined) throw unsupported(where, `no time of this proxy is written as ${text}`);
  return known;
}

/** The text of a second is made once: lines come in rows. */
function isoTime(): DateFormat {
  let second = Number.NaN;
  let text = '';
  return (wallMs) => {
    const current = Math.floor(wallMs / 1000);
    if (current !== second) {
      second = current;
      text = new Date(current * 1000).toISOString().slice(0, 'YYYY-MM-DDTHH:MM:SS.'.length);
    }
    return `${text}${padded(Math.floor(wallMs) - current * 1000, 3)}Z`;
  };
}

function momentOf(wallMs: number, local: boolean): Moment {
  const offsetMinutes = local ? -new Date(wallMs).getTimezoneOffset() : 0;
  const epochSeconds = Math.floor(wallMs / 1000);
  const nanos = Math.floor((wallMs - epochSeconds * 1000) * 1000) * 1000;
  return { date: new Date(wallMs + offsetMinutes * 60_000), nanos, epochSeconds, offsetMinutes };
}

function dayOfYear(date: Date): number {
  return Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY_MS) + 1;
}

function zone(offsetMinutes: number): string {
  const minutes = Math.abs(offsetMinutes);
  return `${offsetMinutes < 0 ? '-' : '+'}${padded(Math.floor(minutes / 60), 2)}${padded(minutes % 60, 2)}`;
}

function padded(value: number, digits: number): string {
  return String(value).padStart(digits, '0');
}
