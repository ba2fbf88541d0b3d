/**
 * One type as the client sees it: what it wants, what it holds, and the next request about it. What it holds lives on
 * from stream to stream; what was said on a stream does not.
 */
import type { DeltaDiscoveryRequest, Node, RpcStatus } from '../tables/messages.gen.ts';
import { DeltaDiscoveryRequestTable } from '../tables/tables.gen.ts';
import { create } from '../wire/table.ts';
import type { ReceivedResource, Refusal } from './received.ts';

/** How one name stands, for CSDS. */
export interface ResourceState {
  readonly type: string;
  readonly name: string;
  /** `missing`: the server says that there is none. */
  readonly state: 'requested' | 'missing' | 'acked' | 'nacked';
  /** What is in use: null before the first accepted version. */
  readonly held: ReceivedResource | null;
  /** Of the last change of `held`; milliseconds since the Unix epoch, 0 when there was none. */
  readonly updatedAtMs: number;
  readonly refused: RefusedVersion | null;
}

export interface RefusedVersion {
  readonly resource: ReceivedResource;
  readonly reason: string;
  readonly atMs: number;
}

interface Answer {
  readonly nonce: string;
  readonly error: RpcStatus | undefined;
}

/** INVALID_ARGUMENT. */
const REFUSED = 3;
const MAX_REASON_LENGTH = 500;

export class Subscription {
  readonly type: string;
  /** A legacy wildcard: everything of the type, by a first request without names. */
  readonly wildcard: boolean;
  #wanted: ReadonlySet<string> = new Set();
  readonly #entries = new Map<string, ResourceState>();
  /** What this stream's server believes to be wanted. */
  #announced = new Set<string>();
  #begun = false;
  readonly #answers: Answer[] = [];

  constructor(type: string, wildcard: boolean) {
    this.type = type;
    this.wildcard = wildcard;
  }

  get entries(): ReadonlyMap<string, ResourceState> {
    return this.#entries;
  }

  want(names: ReadonlySet<string>): void {
    this.#wanted = names;
    if (this.wildcard) return;
    for (const name of this.#entries.keys()) if (!names.has(name)) this.#entries.delete(name);
    for (const name of names) if (!this.#entries.has(name)) this.#set({ name, state: 'requested' });
  }

  wants(name: string): boolean {
    return this.wildcard || this.#wanted.has(name);
  }

  hold(resource: ReceivedResource, atMs: number): void {
    this.#set({ name: resource.name, state: 'acked', held: resource, updatedAtMs: atMs });
  }

  refuse(resource: ReceivedResource, reason: string, atMs: number): void {
    const last = this.#entries.get(resource.name);
    this.#set({
      name: resource.name,
      state: 'nacked',
      held: last?.held ?? null,
      updatedAtMs: last?.updatedAtMs ?? 0,
      refused: { resource, reason, atMs },
    });
  }

  remove(name: string): void {
    if (this.#wanted.has(name)) this.#set({ name, state: 'missing' });
    else this.#entries.delete(name);
  }

  #set(entry: Partial<ResourceState> & { name: string; state: ResourceState['state'] }): void {
    this.#entries.set(entry.name, { type: this.type, held: null, updatedAtMs: 0, refused: null, ...entry });
  }

  /** A new stream: its server knows nothing of the last one. */
  restart(): void {
    this.#begun = false;
    this.#announced = new Set();
    this.#answers.length = 0;
  }

  /** Acknowledges the response of this nonce, but for the refused. */
  answer(nonce: string, refusals: readonly Refusal[]): void {
    const error = refusals.length === 0 ? undefined : { code: REFUSED, message: messageOf(refusals), details: [] };
    this.#answers.push({ nonce, error });
  }

  /** The next request about this type, or null. */
  next(node: Node | undefined): DeltaDiscoveryRequest | null {
    if (!this.#begun) return this.#first(node);
    const subscribe = [...this.#wanted].filter((name) => !this.#announced.has(name));
    const unsubscribe = [...this.#announced].filter((name) => !this.#wanted.has(name));
    const answer = this.#answers.shift();
    if (answer === undefined && subscribe.length === 0 && unsubscribe.length === 0) return null;
    this.#announced = new Set(this.#wanted);
    return create(DeltaDiscoveryRequestTable, {
      node,
      typeUrl: this.type,
      resourceNamesSubscribe: subscribe,
      resourceNamesUnsubscribe: unsubscribe,
      responseNonce: answer?.nonce ?? '',
      errorDetail: answer?.error,
    });
  }

  /** Says what is held, so that a reconnect transfers only what changed. */
  #first(node: Node | undefined): DeltaDiscoveryRequest | null {
    if (!this.wildcard && this.#wanted.size === 0) return null;
    this.#begun = true;
    this.#announced = new Set(this.#wanted);
    const versions = new Map<string, string>();
    for (const { name, held } of this.#entries.values()) if (held !== null) versions.set(name, held.version);
    return create(DeltaDiscoveryRequestTable, {
      node,
      typeUrl: this.type,
      resourceNamesSubscribe: [...this.#wanted],
      initialResourceVersions: versions,
    });
  }
}

/** One line a resource: the server finds in it what was not applied. */
function messageOf(refusals: readonly Refusal[]): string {
  return refusals
    .map(({ name, reason }) => `${name}: ${reason.replaceAll(/\s+/g, ' ').slice(0, MAX_REASON_LENGTH)}`)
    .join('\n');
}
