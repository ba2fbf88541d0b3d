/**
 * Names that must not be tampered with by Connection or arrive as trailers. Looked at only when a message has an unusual
 * Connection or trailers, so they stay out of the scanner's table.
 */
import { FieldName } from '../field-name.ts';
import { FIELD_WIDTH, type Head, NAME_HASH } from '../head.ts';

const names = (...texts: string[]): readonly FieldName[] => texts.map((text) => new FieldName(text));

/** End to end whatever Connection says. Those that a codec decides anyway (length, coding) cannot be stripped either. */
const PROTECTED = names(
  'host',
  'authorization',
  'cookie',
  'set-cookie',
  'cache-control',
  'content-type',
  'content-encoding',
  'content-range',
  'location',
  'trailer',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-real-ip',
  'x-request-id',
  'x-forwarded-client-cert',
  'traceparent',
  'tracestate',
);

const SLOTS = 1024;

/** Protected, and harmless where they come late. */
const TRACING = new Set(['traceparent', 'tracestate', 'x-request-id']);

/** As trailers they would change framing, routing, authentication or handling after the fact (RFC 9110 section 6.5.1). */
const NOT_TRAILERS = [
  ...PROTECTED.filter((name) => !TRACING.has(name.text)),
  ...names(
    'content-length',
    'transfer-encoding',
    'connection',
    'upgrade',
    'te',
    'expect',
    'keep-alive',
    'proxy-connection',
    'proxy-authenticate',
    'proxy-authorization',
    'proxy-authentication-info',
    'max-forwards',
  ),
];

const isGuarded = slotsOf(PROTECTED);
const isNotTrailer = slotsOf(NOT_TRAILERS);

/** Whether the field of this index stays although Connection names it. */
export function isProtected(head: Head, index: number): boolean {
  return isOneOf(PROTECTED, isGuarded, head, index);
}

export function mayBeTrailer(head: Head, index: number): boolean {
  return !isOneOf(NOT_TRAILERS, isNotTrailer, head, index);
}

function isOneOf(list: readonly FieldName[], slots: Uint8Array, head: Head, index: number): boolean {
  const hash = head.fields[index * FIELD_WIDTH + NAME_HASH] as number;
  if (slots[slotOf(hash)] === 0) return false;
  for (const name of list) if (name.hash === hash && head.isNamed(index, name)) return true;
  return false;
}

/** 1 where one of the names may be: nearly every other name is told apart without looking at the list. */
function slotsOf(list: readonly FieldName[]): Uint8Array {
  const slots = new Uint8Array(SLOTS);
  for (const name of list) slots[slotOf(name.hash)] = 1;
  return slots;
}

function slotOf(hash: number): number {
  return (hash ^ (hash >>> 13)) & (SLOTS - 1);
}
