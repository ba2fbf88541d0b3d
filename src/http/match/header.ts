/**
 * Conditions on header fields, compiled to bytes. Envoy's rules for routes: several fields of a name count as one with commas
 * between (HeaderUtility::getAllOfHeaderAsString); an absent field fails every match but `present` with `invert`.
 */
import { latin1Of } from '../../core/bytes.ts';
import { FieldName } from '../field-name.ts';
import type { Head } from '../head.ts';
import { METHOD } from '../method.ts';
import type { Pattern } from '../regex/pattern.ts';
import { type TextMatch, textMatches } from './text.ts';

export interface HeaderMatch {
  /** Lower case. */
  readonly name: string;
  readonly kind: 'present' | TextMatch['kind'];
  readonly value: string;
  readonly regex: Pattern | null;
  readonly invert: boolean;
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
  if (match.kind === 'present') return first >= 0 !== match.invert;
  if (first < 0) return false;
  if (head.find(header.field, first) >= 0) return valueMatches(header, ...joined(header.field, head)) !== match.invert;
  return fieldMatches(header, head, first);
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
  return match.kind === 'present' ? end > start : textMatches(match as TextMatch, header.value, bytes, start, end);
}

function joined(field: FieldName, head: Head): [Uint8Array, number, number] {
  const values: string[] = [];
  for (let i = head.find(field); i >= 0; i = head.find(field, i)) {
    values.push(latin1Of(head.bytes, head.valueStart(i), head.valueEnd(i)));
  }
  const bytes = Buffer.from(values.join(','), 'latin1');
  return [bytes, 0, bytes.length];
}
