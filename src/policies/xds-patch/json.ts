/** Reading canonical JSON of messages: what is not of the wanted form is empty. */
import type { JsonValue } from '@bufbuild/protobuf';

/** A message, or a part of one. */
export type Fragment = { readonly [field: string]: JsonValue };

export function mapOf(value: JsonValue | undefined): Fragment {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

export function listOf(value: JsonValue | undefined): readonly Fragment[] {
  return Array.isArray(value) ? value.map(mapOf) : [];
}

export function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** The type URL of a packed message. */
export function packedType(value: JsonValue | undefined): string {
  return textOf(mapOf(value)['@type']);
}
