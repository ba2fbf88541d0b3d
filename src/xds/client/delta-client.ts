/**
 * The proxy's end of delta ADS as a state machine without I/O: responses and wanted names go in, requests and changes to
 * apply come out. The state-of-the-world variant would stand beside it, over the same subscriptions.
 */
import { WeftError, messageOf } from '../../core/errors.ts';
import { TYPE_ORDER, TYPE_URLS } from '../resource.ts';
import type { DeltaDiscoveryResponse, Node, Resource } from '../tables/messages.gen.ts';
import { DeltaDiscoveryRequestTable, DeltaDiscoveryResponseTable } from '../tables/tables.gen.ts';
import { decode } from '../wire/decode.ts';
import { encode } from '../wire/encode.ts';
import type { ReceivedResource, Refusal, XdsDelta } from './received.ts';
import { type ResourceState, Subscription } from './subscription.ts';

export interface DeltaClientOptions {
  readonly node: Node;
  /**
   * Applies what it can of a change and returns what it refuses; what was held under a refused name stays in use. When
   * it throws, all of the change counts as refused. It may call `want`.
   */
  readonly apply: (delta: XdsDelta) => readonly Refusal[];
  readonly wallMs: () => number;
  /** Of all types together; what is beyond is refused. Default 100,000. */
  readonly maxResources?: number;
}

const WILDCARDS: readonly string[] = [TYPE_URLS.cluster, TYPE_URLS.listener];

export class DeltaClient {
  readonly #options: DeltaClientOptions;
  readonly #maxResources: number;
  /** In the order of TYPE_ORDER. Listeners and clusters are taken whole, the rest by name. */
  readonly #subscriptions: readonly Subscription[];
  #nodeSent = false;
  #isOpen = false;

  constructor(options: DeltaClientOptions) {
    this.#options = options;
    this.#maxResources = options.maxResources ?? 100_000;
    this.#subscriptions = TYPE_ORDER.map((type) => new Subscription(type, WILDCARDS.includes(type)));
  }

  /** A stream was opened. What is held stays in use, and is told to the server as initial_resource_versions. */
  open(): void {
    this.#isOpen = true;
    this.#nodeSent = false;
    for (const subscription of this.#subscriptions) subscription.restart();
  }

  /** The stream is gone; nothing is asked until the next `open`. */
  close(): void {
    this.#isOpen = false;
  }

  /** The names that are wanted of a type from now on, all of them. What is no longer wanted is no longer held. */
  want(type: string, names: ReadonlySet<string>): void {
    this.#of(type).want(names);
  }

  /** The next request to send, or null. Ask again after `open`, `want` and `onMessage`. */
  next(): Uint8Array | null {
    if (!this.#isOpen) return null;
    for (const subscription of this.#subscriptions) {
      // The node is guaranteed on the first message of a stream and needed on no other.
      const request = subscription.next(this.#nodeSent ? undefined : this.#options.node);
      if (request === null) continue;
      this.#nodeSent = true;
      return encode(DeltaDiscoveryRequestTable, request);
    }
    return null;
  }

  /** Throws `invalid` or `limit-exceeded` when the message is not a response: the stream cannot go on. */
  onMessage(bytes: Uint8Array): void {
    const response = decode(DeltaDiscoveryResponseTable, bytes);
    const subscription = this.#of(response.typeUrl);
    const { delta, malformed } = this.#read(response, subscription);
    const refusals = [...malformed, ...this.#apply(subscription, delta)];
    subscription.answer(response.nonce, refusals);
  }

  /** Takes the resources of an earlier run (the copy on disk) as if a server had sent them. Returns what is refused now. */
  restore(resources: readonly ReceivedResource[]): readonly Refusal[] {
    return this.#subscriptions.flatMap((subscription) => {
      const changed = resources.filter((resource) => resource.type === subscription.type);
      return changed.length === 0 ? [] : this.#apply(subscription, { type: subscription.type, changed, removed: [] });
    });
  }

  /** What is in use, for the copy on disk. */
  held(): readonly ReceivedResource[] {
    return this.states().flatMap(({ held }) => (held === null ? [] : [held]));
  }

  states(): readonly ResourceState[] {
    return this.#subscriptions.flatMap((subscription) => [...subscription.entries.values()]);
  }

  #of(type: string): Subscription {
    const subscription = this.#subscriptions.find((candidate) => candidate.type === type);
    if (subscription === undefined) throw new WeftError('invalid', { what: 'an unknown resource type', where: type });
    return subscription;
  }

  /** Splits a response into what can be applied and what has no proper form. */
  #read(response: DeltaDiscoveryResponse, subscription: Subscription): { delta: XdsDelta; malformed: Refusal[] } {
    const { type } = subscription;
    const changed = new Map<string, ReceivedResource>();
    const malformed: Refusal[] = [];
    let room = this.#maxResources - this.states().length;
    for (const resource of response.resources) {
      // A late answer to a name that is no longer wanted.
      if (!subscription.wants(resource.name)) continue;
      const isNew = !subscription.entries.has(resource.name) && !changed.has(resource.name);
      const reason = isNew && room <= 0 ? `more than ${this.#maxResources} resources` : fault(resource, type);
      if (reason !== null) {
        malformed.push({ name: resource.name, reason });
        continue;
      }
      if (isNew) room--;
      // Safe: `fault` refuses a resource without a body.
      const body = resource.resource as NonNullable<Resource['resource']>;
      changed.set(resource.name, { type, name: resource.name, version: resource.version, bytes: body.value });
    }
    const removed = response.removedResources.filter((name) => subscription.wants(name) && !changed.has(name));
    return { delta: { type, changed: [...changed.values()], removed }, malformed };
  }

  #apply(subscription: Subscription, delta: XdsDelta): readonly Refusal[] {
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

/** Why a resource is not applied whatever it says, or null. */
function fault(resource: Resource, type: string): string | null {
  if (resource.name === '') return 'a resource without a name';
  if (resource.resource === undefined) return 'a resource without a body';
  return resource.resource.typeUrl === type ? null : `of type ${resource.resource.typeUrl}`;
}
