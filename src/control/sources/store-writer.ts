/** Writes objects into the store by the same path as the API, in the name of the control plane. */
import type { Kind } from '../../api/kind.ts';
import { type Key, keyOf, type Resource } from '../../api/resource.ts';
import { isWeftError, WeftError } from '../../core/errors.ts';
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

/**
 * Writes the status that `next` makes of the object as it is; null: none. Resolves also when the object is gone, and
 * rejects with what admission says of the status.
 */
export async function updateStatus(
  store: Store,
  clock: Clock,
  kind: Kind,
  key: Key,
  next: (live: Resource) => unknown,
): Promise<void> {
  const writer = new Writer({ store, kinds: meshKinds, clock, rule: async () => {} });
  const intent = {
    kind,
    key,
    manager: { ...MANAGER, subresource: 'status' },
    user: { role: 'admin' },
    propose(live: Resource | null) {
      if (live === null) throw new WeftError('not-found', { what: `the ${key.kind} is gone`, where: key.name });
      const status = next(live);
      return { object: status === null ? live : { ...live, status }, owners: null };
    },
  } as const;
  await writer.write([intent], false, (error) => {
    if (!isWeftError(error, 'not-found')) throw error;
  });
}
