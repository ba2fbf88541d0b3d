/**
 * The client's end of state-of-the-world xDS as a state machine without I/O. A response is answered as a whole, ACK or
 * NACK, but applied resource by resource as Envoy does it: what is good is used, what is refused keeps its last version.
 */
import { messageOf } from '../../core/errors.ts';
import { TYPE_URLS } from '../resource.ts';
import type { Any, DiscoveryResponse, Node, RpcStatus } from '../tables/messages.gen.ts';
import { DiscoveryRequestTable, DiscoveryResponseTable, ResourceTable } from '../tables/tables.gen.ts';
import { decode } from '../wire/decode.ts';
import { encode } from '../wire/encode.ts';
import { create, KIND, Table } from '../wire/table.ts';
import type { ClientResources } from './client-resources.ts';
import { nackOf } from './nack.ts';
import type { ReceivedResource, Refusal } from './received.ts';
import type { Subscription } from './subscription.ts';
import { type Talk, TypedStream } from './typed-stream.ts';

const WRAPPER = 'type.googleapis.com/envoy.service.discovery.v3.Resource';

/** What every type of resource has in common: its name is field 1. */
const NamedTable = new Table<{ readonly name: string }>('envoy.Resource', () => [[1, 'name', KIND.string]]);

export class SotwStream extends TypedStream<SotwTalk> {
  override onMessage(bytes: Uint8Array): void {
    const response = decode(DiscoveryResponseTable, bytes);
    const subscription = this.subscriptionOf(response.typeUrl);
    const refusals = takeState(response, subscription, this.resources);
    this.talk(subscription).answer(response, refusals);
  }

  protected override begin(subscription: Subscription): SotwTalk {
    return new SotwTalk(subscription);
  }

  /** They outlive a stream: the last accepted version is told to the next server. */
  protected override restart(talks: Map<Subscription, SotwTalk>): void {
    for (const talk of talks.values()) talk.restart();
  }
}

interface Answer {
  readonly nonce: string;
  readonly version: string;
  readonly error: RpcStatus | undefined;
}

/** What was said about one type. */
class SotwTalk implements Talk {
  readonly #subscription: Subscription;
  #announced: ReadonlySet<string> = new Set();
  #begun = false;
  /** Of the last response that was accepted whole. */
  #version = '';
  #nonce = '';
  readonly #answers: Answer[] = [];

  constructor(subscription: Subscription) {
    this.#subscription = subscription;
  }

  /** A new stream: nonces are per stream, the accepted version is not. */
  restart(): void {
    this.#begun = false;
    this.#nonce = '';
    this.#answers.length = 0;
  }

  /** A refused response leaves the version where it was: that, with the error, is the NACK. */
  answer({ nonce, versionInfo }: DiscoveryResponse, refusals: readonly Refusal[]): void {
    const error = nackOf(refusals);
    if (error === undefined) this.#version = versionInfo;
    this.#answers.push({ nonce, version: this.#version, error });
  }

  /** Each request carries all names that are wanted. */
  next(node: Node | undefined): Uint8Array | null {
    const { type, wanted, wildcard } = this.#subscription;
    if (!this.#begun && !wildcard && wanted.size === 0) return null;
    const answer = this.#answers.shift();
    const changed = wanted.size !== this.#announced.size || [...wanted].some((name) => !this.#announced.has(name));
    if (this.#begun && answer === undefined && !changed) return null;
    this.#begun = true;
    this.#announced = new Set(wanted);
    if (answer !== undefined) this.#nonce = answer.nonce;
    const request = create(DiscoveryRequestTable, {
      node,
      typeUrl: type,
      resourceNames: [...wanted],
      versionInfo: answer?.version ?? this.#version,
      responseNonce: this.#nonce,
      errorDetail: answer?.error,
    });
    return encode(DiscoveryRequestTable, request);
  }
}

/**
 * Applies one response. Listeners and clusters that it leaves out are gone, unless they were refused; of other types a
 * response may tell a part only. `faults`: of resources by their index, what is known to be wrong already.
 */
export function takeState(
  response: DiscoveryResponse,
  subscription: Subscription,
  resources: ClientResources,
  faults: ReadonlyMap<number, string> = new Map(),
): readonly Refusal[] {
  const { type, entries } = subscription;
  const { versionInfo } = response;
  const changed = new Map<string, ReceivedResource>();
  const malformed: Refusal[] = [];
  const named = new Set<string>();
  let { room } = resources;
  response.resources.forEach((any, i) => {
    const unwrapped = unwrap(any, subscription, versionInfo, i);
    if ('reason' in unwrapped) {
      malformed.push(unwrapped);
      return;
    }
    const { resource, ttl } = unwrapped;
    const { name } = resource;
    if (!subscription.wants(name)) return;
    const isNew = !entries.has(name) && !named.has(name);
    const fault = faults.get(i);
    if (fault !== undefined) malformed.push({ name, reason: fault });
    else if (named.has(name)) malformed.push({ name, reason: 'twice in one response' });
    else if (isNew && room <= 0) malformed.push({ name, reason: `more than ${resources.maxResources} resources` });
    else {
      changed.set(name, resource);
      resources.lives(subscription, name, ttl);
    }
    if (isNew) room--;
    named.add(name);
  });
  // Nothing is known to be gone while something has no name that could be read.
  const isWhole = type === TYPE_URLS.cluster || type === TYPE_URLS.listener;
  const isReadable = malformed.every(({ name }) => named.has(name));
  const removed = isWhole && isReadable ? [...entries.keys()].filter((name) => !named.has(name)) : [];
  const refused = resources.take(subscription, { type, changed: [...changed.values()], removed });
  return [...malformed, ...refused];
}

interface Unwrapped {
  readonly resource: ReceivedResource;
  /** ms; undefined: it lives until it is replaced. */
  readonly ttl: number | undefined;
}

/** A resource may come in an envelope that repeats its name; without a body that says that what is held lives on. */
function unwrap(any: Any, subscription: Subscription, version: string, index: number): Unwrapped | Refusal {
  const { type, entries } = subscription;
  const place = `resources[${index}]`;
  try {
    const envelope = any.typeUrl === WRAPPER ? decode(ResourceTable, any.value) : null;
    const body = envelope === null ? any : envelope.resource;
    const ttl = envelope?.ttl;
    if (body === undefined) {
      const held = entries.get(envelope?.name ?? '')?.held ?? null;
      if (held !== null && ttl !== undefined) return { resource: held, ttl };
      return { name: place, reason: 'a resource without a body' };
    }
    if (body.typeUrl !== type) return { name: place, reason: `of type ${body.typeUrl}` };
    const { name } = decode(NamedTable, body.value);
    if (name === '') return { name: place, reason: 'a resource without a name' };
    return { resource: { type, name, version, bytes: body.value }, ttl };
  } catch (error) {
    return { name: place, reason: messageOf(error) };
  }
}
