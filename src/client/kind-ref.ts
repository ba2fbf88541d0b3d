/** What a client must know of a kind to call the API: its path. Without schemas, because a sidecar's bundle has none. */
import type { Kind } from '../api/kind.ts';

/** Every Kind is one. */
export type KindRef = Pick<Kind, 'group' | 'version' | 'kind' | 'plural' | 'namespaced'>;

export const WORKLOADS: KindRef = {
  group: 'weft.mesh',
  version: 'v1',
  kind: 'Workload',
  plural: 'workloads',
  namespaced: true,
};
export const NAMESPACES: KindRef = {
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};
export const SERVICES: KindRef = { group: '', version: 'v1', kind: 'Service', plural: 'services', namespaced: true };

/** null namespace: all namespaces (or a kind without one). */
export function collectionPath(ref: KindRef, namespace: string | null): string {
  const base = ref.group === '' ? `/api/${ref.version}` : `/apis/${ref.group}/${ref.version}`;
  const scope = ref.namespaced && namespace !== null ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${base}${scope}/${ref.plural}`;
}

export function objectPath(ref: KindRef, namespace: string, name: string): string {
  return `${collectionPath(ref, ref.namespaced ? namespace : null)}/${encodeURIComponent(name)}`;
}
