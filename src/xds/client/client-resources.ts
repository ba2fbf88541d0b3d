/**
 * Everything that a client wants and holds, of all types and sources: changes are applied and accounted for here, whatever
 * the protocol of the stream that brought them.
 */
import { messageOf } from '../../core/errors.ts';
import { TYPE_ORDER, TYPE_URLS, type TypeUrl } from '../resource.ts';
import type { ReceivedResource, Refusal, XdsDelta } from './received.ts';
import { ADS, type ResourceSource, sourceKey } from './resource-source.ts';
import { type ResourceState, Subscription } from './subscription.ts';

export interface ClientResourcesOptions {
  /**
   * Applies what it can of a change and returns what it refuses; what was held under a refused name stays in use. When
   * it throws, all of the change counts as refused. It may call `want`.
   */
  readonly apply: (delta: XdsDelta) => readonly Refusal[];
  readonly wallMs: () => number;
  /** Of all types together; what is beyond is refused. Default 100,000. */
  readonly maxResources?: number;
  /** Where listeners and clusters, which are taken whole, come from; null: nowhere. Default: the aggregated stream. */
  readonly listeners?: ResourceSource | null;
  readonly clusters?: ResourceSource | null;
}

interface Expiry {
  readonly subscription: Subscription;
  readonly name: string;
  readonly atMs: number;
}

export interface WantedOfType {
  readonly type: TypeUrl;
  readonly source: ResourceSource;
  readonly names: ReadonlySet<string>;
}

/** A type of which all resources are wanted, and where they come from. */
type Whole = readonly [type: TypeUrl, source: ResourceSource | null];

const NO_NAMES: ReadonlySet<string> = new Set();

export class ClientResources {
  readonly #options: ClientResourcesOptions;
  readonly #maxResources: number;
  readonly #expiries = new Map<string, Expiry>();
  /** In the order of TYPE_ORDER. */
  #subscriptions: readonly Subscription[] = [];

  constructor(options: ClientResourcesOptions) {
    this.#options = options;
    this.#maxResources = options.maxResources ?? 100_000;
    const { clusters = ADS, listeners = ADS } = options;
    const wholes: readonly Whole[] = [
      [TYPE_URLS.cluster, clusters],
      [TYPE_URLS.listener, listeners],
    ];
    for (const [type, source] of wholes) if (source !== null) this.#add(new Subscription(type, true, source));
  }

  get subscriptions(): readonly Subscription[] {
    return this.#subscriptions;
  }

  /** All that is wanted by name from now on; names of a type and source that are not among it are wanted no longer. */
  wantOnly(wanted: readonly WantedOfType[]): void {
    const keys = new Set(wanted.map(({ type, source }) => `${type} ${sourceKey(source)}`));
    for (const each of this.#subscriptions) {
      if (!keys.has(`${each.type} ${each.sourceKey}`)) each.want(NO_NAMES);
    }
    for (const { type, source, names } of wanted) this.want(type, names, source);
  }

  /** The names that are wanted of a type from one source from now on, all of them. What is no longer wanted is no longer held. */
  want(type: TypeUrl, names: ReadonlySet<string>, source: ResourceSource = ADS): void {
    const key = sourceKey(source);
    const known = this.#subscriptions.find((each) => each.type === type && each.sourceKey === key);
    if (known === undefined && names.size === 0) return;
    const subscription = known ?? this.#add(new Subscription(type, false, source));
    subscription.want(names);
  }

  /** How many resources more may be held. */
  get room(): number {
    return this.#maxResources - this.#subscriptions.reduce((count, { entries }) => count + entries.size, 0);
  }

  get maxResources(): number {
    return this.#maxResources;
  }

  /**
   * A resource lives so long from now on unless it comes again (Envoy's `Resource.ttl`); undefined: for good. Whoever
   * has a clock calls `expire` at `nextExpiryMs`.
   */
  lives(subscription: Subscription, name: string, ttlMs: number | undefined): void {
    if (ttlMs === undefined && this.#expiries.size === 0) return;
    const key = `${subscription.sourceKey} ${subscription.type} ${name}`;
    if (ttlMs === undefined) this.#expiries.delete(key);
    else this.#expiries.set(key, { subscription, name, atMs: this.#options.wallMs() + ttlMs });
  }

  /** By the wall clock; Infinity: nothing ends by itself. */
  get nextExpiryMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { atMs } of this.#expiries.values()) next = Math.min(next, atMs);
    return next;
  }

  /** Removes what its server has not said again in time, as if it had said that it is gone. */
  expire(): void {
    const now = this.#options.wallMs();
    for (const [key, { subscription, name, atMs }] of [...this.#expiries]) {
      if (atMs > now) continue;
      this.#expiries.delete(key);
      if (subscription.entries.has(name)) {
        this.take(subscription, { type: subscription.type, changed: [], removed: [name] });
      }
    }
  }

  /** Applies a change of what one subscription holds, and returns what was refused of it. */
  take(subscription: Subscription, delta: XdsDelta): readonly Refusal[] {
    const atMs = this.#options.wallMs();
    const refusals = this.#refusalsOf(delta);
    const reasons = new Map(refusals.map(({ name, reason }) => [name, reason]));
    for (const resource of delta.changed) {
      // `apply` may have changed what is wanted.
      if (!subscription.wants(resource.name)) continue;
      const reason = reasons.get(resource.name);
      if (reason === undefined) subscription.hold(resource, atMs);
      else subscription.refuse(resource, reason, atMs);
    }
    for (const name of delta.removed) if (!reasons.has(name)) subscription.remove(name);
    return refusals;
  }

  /** Takes the resources of an earlier run (the copy on disk) as if a server had sent them. Returns what is refused now. */
  restore(resources: readonly ReceivedResource[]): readonly Refusal[] {
    return TYPE_ORDER.flatMap((type) => {
      const changed = resources.filter((resource) => resource.type === type);
      const subscription = this.#subscriptions.find((each) => each.type === type);
      if (changed.length === 0 || subscription === undefined) return [];
      return this.take(subscription, { type, changed, removed: [] });
    });
  }

  /** What is in use, for the copy on disk. */
  held(): readonly ReceivedResource[] {
    return this.states().flatMap(({ held }) => (held === null ? [] : [held]));
  }

  states(): readonly ResourceState[] {
    return this.#subscriptions.flatMap((subscription) => [...subscription.entries.values()]);
  }

  #add(subscription: Subscription): Subscription {
    const rank = ({ type }: Subscription): number => (TYPE_ORDER as readonly string[]).indexOf(type);
    this.#subscriptions = [...this.#subscriptions, subscription].sort((a, b) => rank(a) - rank(b));
    return subscription;
  }

  #refusalsOf(delta: XdsDelta): readonly Refusal[] {
    if (delta.changed.length + delta.removed.length === 0) return [];
    try {
      return this.#options.apply(delta);
    } catch (error) {
      const reason = messageOf(error);
      return [...delta.changed.map(({ name }) => name), ...delta.removed].map((name) => ({ name, reason }));
    }
  }
}
