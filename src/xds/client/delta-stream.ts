/**
 * The client's end of incremental xDS as a state machine without I/O: responses go in, requests and changes to apply come
 * out. It carries the types that it is given: all of the aggregated stream, or the one of a service of its own.
 */
import type {
  DeltaDiscoveryRequest,
  DeltaDiscoveryResponse,
  Node,
  Resource,
  RpcStatus,
} from '../tables/messages.gen.ts';
import { DeltaDiscoveryRequestTable, DeltaDiscoveryResponseTable } from '../tables/tables.gen.ts';
import { decode } from '../wire/decode.ts';
import { encode } from '../wire/encode.ts';
import { create } from '../wire/table.ts';
import { TYPE_URLS } from '../resource.ts';
import type { ClientResources } from './client-resources.ts';
import { nackOf } from './nack.ts';
import type { ReceivedResource, Refusal, XdsDelta } from './received.ts';
import type { Subscription } from './subscription.ts';
import { type Talk, TypedStream } from './typed-stream.ts';

export class DeltaStream extends TypedStream<DeltaTalk> {
  override onMessage(bytes: Uint8Array): void {
    const response = decode(DeltaDiscoveryResponseTable, bytes);
    const subscription = this.subscriptionOf(response.typeUrl);
    const { delta, malformed } = readResponse(response, subscription, this.resources);
    const refusals = [...malformed, ...this.resources.take(subscription, delta)];
    this.talk(subscription).answer(response.nonce, refusals);
  }

  protected override begin(subscription: Subscription): DeltaTalk {
    return new DeltaTalk(subscription);
  }

  protected override restart(talks: Map<Subscription, DeltaTalk>): void {
    talks.clear();
  }
}

interface Answer {
  readonly nonce: string;
  readonly error: RpcStatus | undefined;
}

/** What was said about one type on this stream: its server knows nothing of the last one. */
class DeltaTalk implements Talk {
  readonly #subscription: Subscription;
  /** What the server believes to be wanted. */
  #announced: ReadonlySet<string> = new Set();
  #begun = false;
  readonly #answers: Answer[] = [];

  constructor(subscription: Subscription) {
    this.#subscription = subscription;
  }

  /** Acknowledges the response of this nonce, but for the refused. */
  answer(nonce: string, refusals: readonly Refusal[]): void {
    this.#answers.push({ nonce, error: nackOf(refusals) });
  }

  next(node: Node | undefined): Uint8Array | null {
    const request = this.#begun ? this.#later(node) : this.#first(node);
    return request === null ? null : encode(DeltaDiscoveryRequestTable, request);
  }

  #later(node: Node | undefined): DeltaDiscoveryRequest | null {
    const { type, wanted } = this.#subscription;
    const subscribe = [...wanted].filter((name) => !this.#announced.has(name));
    const unsubscribe = [...this.#announced].filter((name) => !wanted.has(name));
    const answer = this.#answers.shift();
    if (answer === undefined && subscribe.length === 0 && unsubscribe.length === 0) return null;
    this.#announced = new Set(wanted);
    return create(DeltaDiscoveryRequestTable, {
      node,
      typeUrl: type,
      resourceNamesSubscribe: subscribe,
      resourceNamesUnsubscribe: unsubscribe,
      responseNonce: answer?.nonce ?? '',
      errorDetail: answer?.error,
    });
  }

  /** Says what is held, so that a reconnect transfers only what changed. */
  #first(node: Node | undefined): DeltaDiscoveryRequest | null {
    const { type, wanted, wildcard, entries } = this.#subscription;
    if (!wildcard && wanted.size === 0) return null;
    this.#begun = true;
    this.#announced = new Set(wanted);
    const versions = new Map<string, string>();
    for (const { name, held } of entries.values()) if (held !== null) versions.set(name, held.version);
    return create(DeltaDiscoveryRequestTable, {
      node,
      typeUrl: type,
      // Without any name it is a wildcard by itself; that form servers of all ages know.
      resourceNamesSubscribe: wildcard && wanted.size > 0 ? ['*', ...wanted] : [...wanted],
      initialResourceVersions: versions,
    });
  }
}

/** Splits a response into what can be applied and what has no proper form. */
function readResponse(
  response: DeltaDiscoveryResponse,
  subscription: Subscription,
  resources: ClientResources,
): { delta: XdsDelta; malformed: Refusal[] } {
  const { type } = subscription;
  const changed = new Map<string, ReceivedResource>();
  const malformed: Refusal[] = [];
  const absent: string[] = [];
  let { room } = resources;
  for (const resource of response.resources) {
    // A late answer to a name that is no longer wanted.
    if (!subscription.wants(resource.name)) continue;
    // So Envoy is told of a virtual host that there is none: it would wait on after a removal.
    if (resource.resource === undefined && type === TYPE_URLS.virtualHosts) {
      absent.push(resource.name);
      continue;
    }
    if (isHeartbeat(resource, subscription)) {
      resources.lives(subscription, resource.name, resource.ttl);
      continue;
    }
    const isNew = !subscription.entries.has(resource.name) && !changed.has(resource.name);
    const reason = isNew && room <= 0 ? `more than ${resources.maxResources} resources` : fault(resource, type);
    if (reason !== null) {
      malformed.push({ name: resource.name, reason });
      continue;
    }
    if (isNew) room--;
    // Safe: `fault` refuses a resource without a body.
    const body = resource.resource as NonNullable<Resource['resource']>;
    changed.set(resource.name, { type, name: resource.name, version: resource.version, bytes: body.value });
    resources.lives(subscription, resource.name, resource.ttl);
  }
  const gone = [...response.removedResources, ...absent];
  const removed = gone.filter((name) => subscription.wants(name) && !changed.has(name));
  return { delta: { type, changed: [...changed.values()], removed }, malformed };
}

/** It says that what is held lives on. */
function isHeartbeat({ resource, name, version, ttl }: Resource, { entries }: Subscription): boolean {
  return resource === undefined && ttl !== undefined && entries.get(name)?.held?.version === version;
}

/** Why a resource is not applied whatever it says, or null. */
function fault(resource: Resource, type: string): string | null {
  if (resource.name === '') return 'a resource without a name';
  if (resource.resource === undefined) return 'a resource without a body';
  return resource.resource.typeUrl === type ? null : `of type ${resource.resource.typeUrl}`;
}
