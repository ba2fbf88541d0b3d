/** The patches of a namespace, read once each. Without any, this is all that a proxy's view pays for them. */
import type { Workload } from '../../../api/kinds/workload.ts';
import { originOf } from '../../../api/origin.ts';
import type { View } from '../../../api/reader.ts';
import { type Key, keyOf, keyText } from '../../../api/resource.ts';
import { selects } from '../../../api/selector.ts';
import { readFragment } from '../../../policies/xds-patch/fragment.ts';
import { KIND, type XdsPatch } from '../../../policies/xds-patch/kind.ts';
import type { ReadEntry } from '../../../policies/xds-patch/apply-entry.ts';
import { SUBJECTS } from '../../../policies/xds-patch/subject.ts';
import { originText } from '../origin.ts';

export interface CompiledPatch {
  readonly resource: XdsPatch;
  /** Changes exactly when its meaning does. */
  readonly id: string;
  readonly entries: readonly ReadEntry[];
}

/** In the order of their names, in which they apply. */
export const patchesOf: View<string, readonly CompiledPatch[]> = {
  name: 'patches-of',
  id: (namespace) => namespace,
  derive(read, namespace) {
    return read.list(KIND, namespace).flatMap((resource) => read.view(compiledPatch, keyOf(resource)) ?? []);
  },
  same: (a, b) => a.length === b.length && a.every((each, i) => each === b[i]),
};

export const compiledPatch: View<Key, CompiledPatch | null> = {
  name: 'compiled-patch',
  id: keyText,
  derive(read, key, previous) {
    const resource = read.get(key) as XdsPatch | null;
    if (resource === null) return null;
    const { uid = '', generation, resourceVersion = '' } = resource.metadata;
    const id = `${keyText(key)} ${uid} ${generation ?? resourceVersion} ${originOf(resource).file}`;
    if (previous?.id === id) return previous;
    const entries = (resource.spec?.patches ?? []).map((entry, index) => ({
      entry,
      fragment: readFragment(SUBJECTS[entry.on].schema, entry.value ?? {}).fragment,
      origin: originText(originOf(resource, `spec.patches[${index}]`)),
    }));
    return { resource, id, entries };
  },
  same: (a, b) => a === b,
};

export function isFor({ resource }: CompiledPatch, workload: Workload): boolean {
  const { matchLabels, services, kinds } = resource.spec?.proxies ?? {};
  const { service = '', proxy = 'weft' } = workload.spec ?? {};
  return (
    (matchLabels === undefined || selects(matchLabels, workload.metadata.labels)) &&
    (services === undefined || services.includes(service)) &&
    (kinds === undefined || kinds.some((kind) => kind === proxy))
  );
}
