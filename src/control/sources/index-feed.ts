/** What flows from the store into the index: every object but internal ones, and a few that are in no store. */
import type { Batch } from '../../api/source.ts';
import { keyOf, type Resource } from '../../api/resource.ts';

/** Objects of these groups are bookkeeping (join tokens, enrolments): nothing is generated from them. */
const INTERNAL = 'internal.weft.mesh/';

/** Acts on what the index has come to know. */
export interface Observer {
  observe(batch: Batch): void;
}

interface Waiter {
  readonly revision: bigint;
  readonly resolve: () => void;
}

export class IndexFeed {
  readonly #views: { apply(batch: Batch): void };
  readonly #observers: readonly Observer[];
  readonly #constant: readonly Resource[];
  readonly #begun = Promise.withResolvers<void>();
  #cursor = -1n;
  #waiters: Waiter[] = [];

  /** `constant` resources are part of every beginning. */
  constructor(views: { apply(batch: Batch): void }, observers: readonly Observer[], constant: readonly Resource[]) {
    this.#views = views;
    this.#observers = observers;
    this.#constant = constant;
  }

  /** Resolves when the first batch is in the index. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  apply(batch: Batch): void {
    const changes = batch.changes.filter(({ value }) => value === null || !value.apiVersion.startsWith(INTERNAL));
    const constant = batch.replace ? this.#constant.map((value) => ({ key: keyOf(value), value })) : [];
    this.#views.apply({ ...batch, changes: [...constant, ...changes] });
    for (const observer of this.#observers) observer.observe(batch);
    this.#cursor = BigInt(batch.cursor);
    this.#begun.resolve();
    const ready = this.#waiters.filter(({ revision }) => revision <= this.#cursor);
    if (ready.length === 0) return;
    this.#waiters = this.#waiters.filter(({ revision }) => revision > this.#cursor);
    for (const { resolve } of ready) resolve();
  }

  /** Resolves when the index has seen the commit of this revision. */
  reached(revision: string): Promise<void> {
    const wanted = BigInt(revision);
    if (wanted <= this.#cursor) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ revision: wanted, resolve }));
  }
}
