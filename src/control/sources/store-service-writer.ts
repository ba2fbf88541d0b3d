/** Creates Services in the store by the same path as the API, in the name of the control plane. */
import { serviceKind } from '../../api/kinds/service.ts';
import { keyOf } from '../../api/resource.ts';
import { WeftError } from '../../core/errors.ts';
import type { Clock } from '../../core/runtime.ts';
import { meshKinds } from '../../policies/kinds.ts';
import { Writer } from '../api-server/writes/writer.ts';
import type { Store } from '../store/store.ts';
import type { ServiceWriter } from './service-maker.ts';

const MANAGER = { name: 'weft-control-plane', operation: 'Update', subresource: '' } as const;

export function storeServiceWriter(store: Store, clock: Clock): ServiceWriter {
  const writer = new Writer({ store, kinds: meshKinds, clock, rule: async () => {} });
  return {
    async create(service) {
      const key = keyOf(service);
      const intent = {
        kind: serviceKind,
        key,
        manager: MANAGER,
        user: { role: 'admin' },
        propose(live: unknown) {
          if (live !== null)
            throw new WeftError('already-exists', {
              what: 'the Service exists',
              where: `${key.namespace}/${key.name}`,
            });
          return { object: service, owners: null };
        },
      } as const;
      await writer.write([intent], false, (error) => {
        throw error;
      });
    },
  };
}
