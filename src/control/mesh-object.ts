/**
 * The Mesh object: made at the first start, so that its trust domain is written down where it cannot be changed, and
 * read for what it says of certificates.
 */
import { WeftError } from '../core/errors.ts';
import { parseGatewayDuration } from '../core/durations.ts';
import type { Clock } from '../core/runtime.ts';
import { type Mesh, MESH_NAME, meshKind } from '../api/kinds/mesh.ts';
import type { MeshIndex } from './index/mesh-index.ts';
import { createObject } from './sources/store-writer.ts';
import type { Store } from './store/store.ts';

const KEY = { kind: 'Mesh', namespace: '', name: MESH_NAME };

/** Throws `invalid` when the store belongs to another trust domain. */
export async function ensureMesh(store: Store, clock: Clock, trustDomain: string): Promise<void> {
  const found = (await store.get(KEY)) as Mesh | null;
  if (found === null) {
    const spec = { trustDomain };
    await createObject(store, clock, meshKind, {
      apiVersion: 'weft.mesh/v1',
      kind: 'Mesh',
      metadata: { name: MESH_NAME },
      spec,
    });
    return;
  }
  const stored = found.spec?.trustDomain;
  if (stored === undefined || stored === trustDomain) return;
  throw new WeftError('invalid', {
    what: `this mesh has the trust domain ${stored}, not ${trustDomain}`,
    where: `Mesh ${MESH_NAME}: spec.trustDomain`,
    hint: `Start it with --trust-domain ${stored}, or use another state directory`,
  });
}

/** Milliseconds; null when the Mesh says nothing. */
export function svidTtlOf(index: MeshIndex): number | null {
  const text = (index.get(KEY) as Mesh | null)?.spec?.svidTtl;
  return text === undefined ? null : parseGatewayDuration(text);
}
