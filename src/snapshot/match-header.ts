/**
 * Header conditions of a route, compiled to bytes. Envoy's rules: several fields of a name count as one with commas
 * between (HeaderUtility::getAllOfHeaderAsString); an absent field fails every match but `present` with `invert`.
 */
import { latin1Of } from '../core/bytes.ts';
import { FieldName } from '../http/field-name.ts';
import type { Head } from '../http/head.ts';
import { METHOD } from '../http/method.ts';
import type { CompiledHeader, HeaderMatch } from './route-table.ts';

export function compileHeader(match: HeaderMatch): CompiledHeader {
  // xDS knows Host as :authority; both mean the authority.
  const pseudo = match.name.startsWith(':') || match.name === 'host';
  const field = pseudo ? null : new FieldName(match.name);
  const plain: CompiledHeader = { match, field, value: Buffer.from(match.value, 'latin1'), methods: null };
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
  return valueMatches(header, head.bytes, head.valueStart(first), head.valueEnd(first)) !== match.invert;
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
  const value = header.value;
  const spare = end - start - value.length;
  switch (header.match.kind) {
    case 'present':
      return end > start;
    case 'regex':
      return header.match.regex?.test(bytes, start, end) ?? false;
    case 'exact':
      return spare === 0 && startsAt(value, bytes, start);
    case 'prefix':
      return spare >= 0 && startsAt(value, bytes, start);
    case 'suffix':
      return spare >= 0 && startsAt(value, bytes, end - value.length);
    case 'contains':
      for (let at = start; at <= end - value.length; at++) if (startsAt(value, bytes, at)) return true;
      return false;
  }
}

function startsAt(value: Uint8Array, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < value.length; i++) if (bytes[start + i] !== value[i]) return false;
  return true;
}

function joined(field: FieldName, head: Head): [Uint8Array, number, number] {
  const values: string[] = [];
  for (let i = head.find(field); i >= 0; i = head.find(field, i)) {
    values.push(latin1Of(head.bytes, head.valueStart(i), head.valueEnd(i)));
  }
  const bytes = Buffer.from(values.join(','), 'latin1');
  return [bytes, 0, bytes.length];
}
