/** JSON Merge Patch, RFC 7396. */
import { isMap } from '../../../api/validate.ts';
import { type JsonMap, own } from './json.ts';

/** The algorithm of RFC 7396 section 2: null removes, a map merges, everything else replaces. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return patch;
  const base: JsonMap = isMap(target) ? target : {};
  const merged: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = mergePatch(own(base, name), value);
  }
  return merged;
}
