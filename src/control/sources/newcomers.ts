/**
 * What the control plane does when a workload's record appears: it expects its lease, and makes its Services when it
 * is new. Reading the records of a restart makes nothing: their Services may have been deleted since, by intent.
 */
import { messageOf } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Batch } from '../../api/source.ts';
import type { Workload } from '../../api/kinds/workload.ts';
import type { Leases } from './leases.ts';
import { makeServices, type ServiceWriter } from './service-maker.ts';
import { isLeased } from './workload-records.ts';

export class Newcomers {
  readonly #leases: Leases;
  readonly #services: ServiceWriter;
  readonly #log: Log;
  readonly #known = new Set<string>();

  constructor(leases: Leases, services: ServiceWriter, log: Log) {
    this.#leases = leases;
    this.#services = services;
    this.#log = log;
  }

  observe(batch: Batch): void {
    if (batch.replace) this.#forgetOthers(batch);
    for (const { key, value } of batch.changes) {
      if (key.kind !== 'Workload') continue;
      const id = `${key.namespace}/${key.name}`;
      const lease = { namespace: key.namespace, workload: key.name };
      if (value === null) {
        this.#known.delete(id);
        this.#leases.drop(lease);
        continue;
      }
      const workload = value as Workload;
      if (isLeased(workload)) this.#leases.expect(lease);
      // A record may be written before its ports are known: Services follow once it has some.
      const isNew = !this.#known.has(id) && (workload.spec?.ports.length ?? 0) > 0;
      if (isNew) this.#known.add(id);
      if (isNew && !batch.replace) void this.#makeServices(workload);
    }
  }

  /** What was deleted while the history was lost was never told. */
  #forgetOthers({ changes }: Batch): void {
    const stored = changes.flatMap(({ key, value }) =>
      key.kind === 'Workload' && value !== null ? [{ namespace: key.namespace, workload: key.name }] : [],
    );
    this.#leases.keepOnly(stored);
    const ids = new Set(stored.map(({ namespace, workload }) => `${namespace}/${workload}`));
    for (const id of this.#known) if (!ids.has(id)) this.#known.delete(id);
  }

  async #makeServices(workload: Workload): Promise<void> {
    try {
      await makeServices(workload, this.#services);
    } catch (error) {
      const { namespace, name } = workload.metadata;
      this.#log.error('the Services of a workload could not be made', {
        namespace,
        workload: name,
        reason: messageOf(error),
      });
    }
  }
}
