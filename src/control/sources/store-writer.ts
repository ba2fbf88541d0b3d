/** Creates objects in the store by the same path as the API, in the name of the control plane. */
import type { Kind } from '../../api/kind.ts';
import { keyOf, type Resource } from '../../api/resource.ts';
import { WeftError } from '../../core/errors.ts';
import type { Clock } from '../../core/runtime.ts';
import { meshKinds } from '../../policies/kinds.ts';
import { Writer } from '../api-server/writes/writer.ts';
import type { Store } from '../store/store.ts';

const MANAGER = { name: 'weft-control-plane', operation: 'Update', subresource: '' } as const;

/** Rejects with `already-exists`, and with what admission says of the object. */
export async function createObject(store: Store, clock: Clock, kind: Kind, object: Resource): Promise<void> {
  const writer = new Writer({ store, kinds: meshKinds, clock, rule: async () => {} });
  const key = keyOf(object);
  const intent = {
    kind,
    key,
    manager: MANAGER,
    user: { role: 'admin' },
    propose(live: unknown) {
      if (live === null) return { object, owners: null };
      throw new WeftError('already-exists', { what: `the ${key.kind} exists`, where: `${key.namespace}/${key.name}` });
    },
  } as const;
  await writer.write([intent], false, (error) => {
    throw error;
  });
}
