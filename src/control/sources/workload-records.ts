/**
 * The stored records of workloads that register themselves: their readiness, and their end. Everything here is an
 * event that happens a few times in a workload's life, so each is a commit on condition.
 */
import { isWeftError, WeftError } from '../../core/errors.ts';
import type { Clock } from '../../core/runtime.ts';
import type { Key } from '../../api/resource.ts';
import type { Workload } from '../../api/kinds/workload.ts';
import type { Store } from '../store/store.ts';
import type { LeaseKey } from './leases.ts';

/** Marks a record that lives by a lease; without it, a Workload is as static as its file. */
export const LEASED_ANNOTATION = 'weft.mesh/leased';

/** Writers that race for one record more often than this are a fault. */
const MAX_ROUNDS = 20;

export class WorkloadRecords {
  readonly #store: Pick<Store, 'get' | 'commit'>;
  readonly #clock: Clock;

  constructor(store: Pick<Store, 'get' | 'commit'>, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** null when the workload is not registered. */
  async get(key: LeaseKey): Promise<Workload | null> {
    return (await this.#store.get(keyOfWorkload(key))) as Workload | null;
  }

  /** Commits only when it changes something; resolves to the revision at which it is true. Rejects with `not-found` when the workload is not registered. */
  async setReady(key: LeaseKey, ready: boolean, reason: string): Promise<string> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const workload = await this.get(key);
      if (workload === null)
        throw new WeftError('not-found', {
          what: 'no such workload is registered',
          where: `${key.namespace}/${key.workload}`,
        });
      const expected = workload.metadata.resourceVersion ?? '';
      if ((workload.status?.ready ?? false) === ready) return expected;
      const condition = {
        type: 'Ready',
        status: ready ? 'True' : 'False',
        reason,
        message: '',
        lastTransitionTime: new Date(this.#clock.wall()).toISOString(),
      };
      const value = { ...workload, status: { ...workload.status, ready, conditions: [condition] } } as Workload;
      const revision = await this.#commit({ key: keyOfWorkload(key), value }, expected);
      if (revision !== null) return revision;
    }
    throw new WeftError('conflict', {
      what: 'too many writers of one workload',
      where: `${key.namespace}/${key.workload}`,
    });
  }

  async remove(key: LeaseKey): Promise<void> {
    await this.#store.commit([{ key: keyOfWorkload(key), value: null }], []);
  }

  /** null: somebody else was faster. */
  async #commit(change: { key: Key; value: Workload }, resourceVersion: string): Promise<string | null> {
    try {
      return await this.#store.commit([change], [{ key: change.key, resourceVersion }]);
    } catch (error) {
      if (isWeftError(error, 'conflict') || isWeftError(error, 'not-found')) return null;
      throw error;
    }
  }
}

export function isLeased(workload: Workload): boolean {
  return workload.metadata.annotations?.[LEASED_ANNOTATION] === 'true';
}

export function keyOfWorkload(key: LeaseKey): Key {
  return { kind: 'Workload', namespace: key.namespace, name: key.workload };
}
