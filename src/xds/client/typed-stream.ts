/**
 * What both variants of xDS have in common on a stream: it carries the types that it is given, all of the aggregated stream
 * or the one of a service of its own, and says once who is asking.
 */
import { WeftError } from '../../core/errors.ts';
import type { Node } from '../tables/messages.gen.ts';
import type { ClientResources } from './client-resources.ts';
import type { Subscription } from './subscription.ts';
import type { XdsStream } from './xds-stream.ts';

/** What is said about one type. */
export interface Talk {
  /** The next request, encoded, or null. */
  next(node: Node | undefined): Uint8Array | null;
}

export abstract class TypedStream<T extends Talk> implements XdsStream {
  protected readonly resources: ClientResources;
  readonly #node: Node;
  readonly #carries: (subscription: Subscription) => boolean;
  readonly #talks = new Map<Subscription, T>();
  #nodeSent = false;
  #isOpen = false;

  /** `carries`: which subscriptions this stream is about; asked anew as they come. */
  constructor(resources: ClientResources, node: Node, carries: (subscription: Subscription) => boolean) {
    this.resources = resources;
    this.#node = node;
    this.#carries = carries;
  }

  abstract onMessage(bytes: Uint8Array): void;

  protected abstract begin(subscription: Subscription): T;

  /** A new stream, whose server knows nothing of the last one. */
  protected abstract restart(talks: Map<Subscription, T>): void;

  open(): void {
    this.#isOpen = true;
    this.#nodeSent = false;
    this.restart(this.#talks);
  }

  close(): void {
    this.#isOpen = false;
  }

  next(): Uint8Array | null {
    if (!this.#isOpen) return null;
    for (const subscription of this.resources.subscriptions) {
      if (!this.#carries(subscription)) continue;
      // The node is guaranteed on the first message of a stream and needed on no other.
      const request = this.talk(subscription).next(this.#nodeSent ? undefined : this.#node);
      if (request === null) continue;
      this.#nodeSent = true;
      return request;
    }
    return null;
  }

  /** Throws `invalid` when the stream does not carry this type: it cannot go on. */
  protected subscriptionOf(typeUrl: string): Subscription {
    const subscription = this.resources.subscriptions.find((each) => each.type === typeUrl && this.#carries(each));
    if (subscription !== undefined) return subscription;
    throw new WeftError('invalid', { what: 'an unknown resource type', where: typeUrl });
  }

  protected talk(subscription: Subscription): T {
    let talk = this.#talks.get(subscription);
    if (talk === undefined) {
      talk = this.begin(subscription);
      this.#talks.set(subscription, talk);
    }
    return talk;
  }
}
