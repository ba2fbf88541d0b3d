/**
 * Merges a fragment into a message, both as canonical JSON: so that a field that the fragment sets to its zero is set, which
 * the message alone could not tell from one that it leaves out.
 */
import type { DescField, DescMessage, JsonValue } from '@bufbuild/protobuf';
import { envoyTypes } from '../../protos/registry.ts';
import { fieldOf, isLeaf } from './fragment.ts';
import { type Fragment, textOf } from './json.ts';

export type ListRule = 'append' | 'replace';

const ANY = 'google.protobuf.Any';
const TYPE = '@type';

/** As protobuf merges: fields replace, messages merge, lists grow (or are replaced); a map goes by its keys. */
export function mergeMessage(schema: DescMessage, into: Fragment, from: Fragment, lists: ListRule): Fragment {
  if (schema.typeName === ANY) return mergeAny(into, from, lists);
  const result: Record<string, JsonValue> = { ...into };
  for (const [key, value] of Object.entries(from)) {
    const field = fieldOf(schema, key);
    if (field === undefined) continue;
    // One member of a oneof takes the place of another.
    for (const sibling of field.oneof?.fields ?? []) if (sibling.jsonName !== key) delete result[sibling.jsonName];
    result[key] = mergeField(field, result[key], value, lists);
  }
  return result;
}

function mergeField(field: DescField, into: JsonValue | undefined, from: JsonValue, lists: ListRule): JsonValue {
  if (into === undefined) return from;
  if (field.fieldKind === 'message' && !isLeaf(field.message)) {
    return mergeMessage(field.message, into as Fragment, from as Fragment, lists);
  }
  if (field.fieldKind === 'list') {
    return lists === 'replace' ? from : [...(into as readonly JsonValue[]), ...(from as readonly JsonValue[])];
  }
  if (field.fieldKind === 'map') {
    const result: Record<string, JsonValue> = { ...(into as Fragment) };
    for (const [key, value] of Object.entries(from as Fragment)) {
      const before = result[key];
      const merges = field.mapKind === 'message' && !isLeaf(field.message) && before !== undefined;
      result[key] = merges ? mergeMessage(field.message, before as Fragment, value as Fragment, lists) : value;
    }
    return result;
  }
  return from;
}

/** What is packed merges with what is packed when both are of one type, else takes its place. */
function mergeAny(into: Fragment, from: Fragment, lists: ListRule): Fragment {
  const type = textOf(from[TYPE]);
  const schema = envoyTypes.getMessage(type.slice(type.lastIndexOf('/') + 1));
  if (into[TYPE] !== type || schema === undefined || isLeaf(schema)) return from;
  const { [TYPE]: _, ...before } = into;
  const { [TYPE]: __, ...fragment } = from;
  return { [TYPE]: type, ...mergeMessage(schema, before, fragment, lists) };
}
