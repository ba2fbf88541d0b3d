/**
 * Conditions on header fields, compiled to bytes. Envoy's rules for routes, as of 1.40: of several fields of a name one that
 * matches is enough; an absent field fails every match but `present` with `invert`, unless it counts as empty.
 */
import { latin1Of } from '../../core/bytes.ts';
import { FieldName } from '../field-name.ts';
import type { Head } from '../head.ts';
import { METHOD } from '../method.ts';
import type { Pattern } from '../regex/pattern.ts';
import { type TextMatch, textMatches } from './text.ts';

const NO_BYTES = new Uint8Array(0);
/** Characters; no number of 64 bits has more but for leading zeros. */
const MAX_NUMBER = 64;

export interface HeaderMatch {
  /** Lower case. */
  readonly name: string;
  readonly kind: 'present' | 'range' | TextMatch['kind'];
  /** Of a range, how it reads. */
  readonly value: string;
  readonly regex: Pattern | null;
  /** `range`: the value is a whole number from the first up to but not the second. */
  readonly range: readonly [bigint, bigint] | null;
  readonly invert: boolean;
  /** An absent field counts as an empty one. */
  readonly missingIsEmpty: boolean;
}

export interface CompiledHeader {
  readonly match: HeaderMatch;
  /** null: a pseudo-header, which lies in the start line. */
  readonly field: FieldName | null;
  readonly value: Uint8Array;
  /** Of a condition on `:method`: which of the known methods fulfil it, one bit each. null: another condition. */
  readonly methods: number | null;
}

export function compileHeader(match: HeaderMatch): CompiledHeader {
  // xDS knows Host as :authority; both mean the authority.
  const pseudo = match.name.startsWith(':') || match.name === 'host';
  const field = pseudo ? null : new FieldName(match.name);
  const plain: CompiledHeader = { match, field, value: Buffer.from(match.value, 'utf8'), methods: null };
  return match.name === ':method' ? { ...plain, methods: methodsOf(plain) } : plain;
}

/** Nine requests of ten have one of nine methods: an expression over them is asked once for each, here. */
function methodsOf(header: CompiledHeader): number {
  let methods = 0;
  for (const [name, method] of Object.entries(METHOD)) {
    const text = Buffer.from(name.toUpperCase(), 'latin1');
    if (method !== METHOD.other && valueMatches(header, text, 0, text.length)) methods |= 1 << method;
  }
  return methods;
}

export function headerMatches(header: CompiledHeader, head: Head): boolean {
  const match = header.match;
  if (header.field === null) return matchesPseudo(header, head) !== match.invert;
  const first = head.find(header.field);
  if (match.kind === 'present') return (first >= 0 || match.missingIsEmpty) !== match.invert;
  if (first < 0) return match.missingIsEmpty && valueMatches(header, NO_BYTES, 0, 0) !== match.invert;
  for (let i = first; i >= 0; i = head.find(header.field, i)) {
    if (valueMatches(header, head.bytes, head.valueStart(i), head.valueEnd(i))) return !match.invert;
  }
  return match.invert;
}

/** As `headerMatches`, where several fields of the name count as one with commas between (RFC 9110 section 5.2). */
export function joinedMatches(header: CompiledHeader, head: Head): boolean {
  const { field } = header;
  if (field === null || head.find(field, head.find(field)) < 0) return headerMatches(header, head);
  const values: string[] = [];
  for (let i = head.find(field); i >= 0; i = head.find(field, i)) values.push(head.text(i));
  const bytes = Buffer.from(values.join(','), 'latin1');
  return valueMatches(header, bytes, 0, bytes.length) !== header.match.invert;
}

/** As `headerMatches`, for one field of the head alone, whatever others of its name say. */
export function fieldMatches(header: CompiledHeader, head: Head, index: number): boolean {
  return valueMatches(header, head.bytes, head.valueStart(index), head.valueEnd(index)) !== header.match.invert;
}

function matchesPseudo(header: CompiledHeader, head: Head): boolean {
  switch (header.match.name) {
    case ':method':
      if (header.methods !== null && head.method !== METHOD.other) return ((header.methods >> head.method) & 1) === 1;
      return valueMatches(header, head.bytes, head.methodStart, head.methodEnd);
    case ':path':
      return valueMatches(header, head.bytes, head.pathStart, head.pathEnd);
    case ':authority':
    case 'host':
      return valueMatches(header, head.bytes, head.authorityStart, head.authorityEnd);
    default:
      return false;
  }
}

function valueMatches(header: CompiledHeader, bytes: Uint8Array, start: number, end: number): boolean {
  const { match } = header;
  if (match.kind === 'present') return end > start;
  if (match.kind === 'range') return isWithin(match.range, bytes, start, end);
  return textMatches(match as TextMatch, header.value, bytes, start, end);
}

/** As Envoy reads numbers: a sign or none, digits, nothing else. */
function isWithin(range: HeaderMatch['range'], bytes: Uint8Array, start: number, end: number): boolean {
  if (range === null || end - start > MAX_NUMBER) return false;
  const text = latin1Of(bytes, start, end);
  if (!/^[+-]?[0-9]+$/.test(text)) return false;
  const number = BigInt(text.replace('+', ''));
  return number >= range[0] && number < range[1];
}
