/**
 * From the field path of a refusal to the steps in the file: refusals name fields as the .proto does, a file may write
 * them in camelCase as well.
 */
import { protoName } from '../../xds/wire/field-name.ts';
import type { JsonValue } from '../../xds/wire/json.ts';

type Step = string | number;

/** `filter_chains[0].filters[1]: a.b["c"]` as far as the document has it. `from` is where the resource stands. */
export function stepsOf(document: JsonValue, from: readonly Step[], where: string): readonly Step[] {
  const steps: Step[] = [...from];
  let value = valueAt(document, from);
  // Words, indices and quoted keys; what else stands in a place (names of types, `: `) leads nowhere and is passed over.
  for (const [, word, index, quoted] of where.matchAll(/([A-Za-z_][\w]*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/g)) {
    const key =
      index === undefined
        ? keyIn(value, quoted === undefined ? (word ?? '') : String(JSON.parse(quoted)))
        : Number(index);
    const next = key === null ? undefined : valueAt(value, [key]);
    if (key === null || next === undefined) continue;
    steps.push(key);
    value = next;
  }
  return steps;
}

function keyIn(value: JsonValue, name: string): string | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  return Object.keys(value).find((key) => key === name || protoName(key) === name) ?? null;
}

function valueAt(value: JsonValue, path: readonly Step[]): JsonValue {
  let at: JsonValue | undefined = value;
  for (const step of path) at = (at as Readonly<Record<Step, JsonValue | undefined>> | null | undefined)?.[step];
  return at as JsonValue;
}
