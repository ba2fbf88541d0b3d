/** The namespaces that exist from the start. */
import { randomUUID } from 'node:crypto';
import type { Resource } from '../../api/resource.ts';
import type { Store } from '../store/store.ts';
import { PERMANENT_NAMESPACES } from './verbs/delete.ts';

export async function ensureNamespaces(store: Store, wallMs: number): Promise<void> {
  const creationTimestamp = new Date(wallMs).toISOString().replace(/\.\d+Z$/, 'Z');
  for (const name of PERMANENT_NAMESPACES) {
    const key = { kind: 'Namespace', namespace: '', name };
    if ((await store.get(key)) !== null) continue;
    const metadata = { name, uid: randomUUID(), creationTimestamp, generation: 1 };
    const value: Resource = { apiVersion: 'v1', kind: 'Namespace', metadata, status: { phase: 'Active' } };
    await store.commit([{ key, value }], [{ key, resourceVersion: '' }]);
  }
}
