/**
 * One delta ADS stream as a state machine without I/O: requests and offered views go in, responses come out when the
 * transport is ready for one. The rules are those of Envoy's xDS protocol description, incremental variant.
 */
import { WeftError } from '../../core/errors.ts';
import { TYPE_URLS, type TypeUrl, type XdsResource, type XdsView } from '../resource.ts';
import type { DeltaDiscoveryRequest } from '../tables/messages.gen.ts';
import { edsNameOf } from './eds-name.ts';
import { referentsOf, referrersOf, sendingRank } from './push-order.ts';
import type { Nack, Quarantine } from './quarantine.ts';
import { refusedBy } from './refusals.ts';
import type { ResponseCache } from './response-cache.ts';
import { TypeState } from './type-state.ts';

export interface DeltaResponse {
  readonly type: string;
  readonly nonce: string;
  readonly resources: readonly XdsResource[];
  readonly removed: readonly string[];
  /** The encoded DeltaDiscoveryResponse, shared with other streams. */
  readonly bytes: Uint8Array;
}

export interface TypeStatus {
  readonly type: string;
  readonly wildcard: boolean;
  /** Asked for by name. */
  readonly names: ReadonlySet<string>;
  /** What there is of this type for the client, asked for or not. */
  readonly offered: ReadonlyMap<string, XdsResource>;
  /** Name → version. */
  readonly sent: ReadonlyMap<string, string>;
  readonly acked: ReadonlyMap<string, string>;
  /** Names that were sent and not answered, or are still to be sent or removed. */
  readonly pending: readonly string[];
  /** Name → the version that the client refuses. */
  readonly refused: ReadonlyMap<string, string>;
  /** Of what is refused, as far as the reasons are known. */
  readonly nacks: readonly Nack[];
  /** Since when something has been pending without a break, in milliseconds since the Unix epoch; null: nothing is. */
  readonly pendingSinceMs: number | null;
}

export interface SessionOptions {
  readonly nodeId: string;
  /** Shared by all sessions of a server, as is `quarantine`. */
  readonly responses: ResponseCache;
  readonly quarantine: Quarantine;
  readonly wallMs: () => number;
  readonly onNack?: (nack: Nack) => void;
  /** A response is closed when its resources reach this; default 3 MiB, as gRPC clients take 4 MiB by default. */
  readonly maxResponseBytes?: number;
}

/** Weft serves five types; a client may ask for a few that it does not, and gets nothing of them. */
const MAX_TYPES = 16;

/** Kept for as long as the refusal holds. */
const MAX_REASON_CHARS = 2_000;

export class Session {
  readonly #options: SessionOptions;
  readonly #maxResponseBytes: number;
  /** In the order of sending. */
  #states: TypeState[] = [];
  #view: XdsView | null = null;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#maxResponseBytes = options.maxResponseBytes ?? 3 << 20;
  }

  /** Throws `invalid` or `limit-exceeded`: the stream cannot go on. */
  onRequest(request: DeltaDiscoveryRequest): void {
    if (request.typeUrl === '') throw new WeftError('invalid', { what: 'a request without type_url' });
    const state = this.#state(request.typeUrl) ?? this.#addState(request.typeUrl);
    // Names first: a NACK may change subscriptions too.
    state.changeNames(request);
    if (request.responseNonce === '') return;
    const answered = state.answered(request.responseNonce);
    if (answered === null) return;
    // Only error_detail makes a NACK; nonce and versions say nothing of it.
    const reasons =
      request.errorDetail === undefined
        ? null
        : refusedBy(request.errorDetail.message, [...answered.resources.keys(), ...answered.removed]);
    for (const resource of answered.resources.values()) {
      const reason = reasons?.get(resource.name);
      if (reason === undefined) this.#accept(state, resource);
      else this.#refuse(state, resource, reason);
    }
    for (const name of answered.removed) if (!reasons?.has(name)) state.dropped(name);
  }

  /** The whole of what this proxy should have, also of types that did not change. Nothing is answered before the first. */
  offer(view: XdsView): void {
    this.#view = view;
    for (const state of this.#states) state.offer(view.get(state.type as TypeUrl));
  }

  /** The next response, or null when there is none to send now. Ask again after it was sent, after requests and offers. */
  next(): DeltaResponse | null {
    if (this.#view === null) return null;
    const wallMs = this.#options.wallMs();
    for (const state of this.#states) state.refresh(wallMs);
    const heldUp = new Set<string>();
    for (const state of this.#states) {
      if (state.asked.size + state.upserts.size === 0 && !state.owesFirst) continue;
      // A type waits for its own answer, and for those that it refers to; clients that wait on something else before
      // they acknowledge (warming) are never kept from it.
      if (state.inFlight === null && !referentsOf(state.type).some((type) => heldUp.has(type))) {
        return this.#emit(state);
      }
      heldUp.add(state.type);
    }
    for (const state of this.#states) {
      const isFree = state.removals.size > 0 && state.inFlight === null;
      if (isFree && this.#areReferrersSettled(state.type)) return this.#send(state, [], [...state.removals].sort());
    }
    return null;
  }

  status(): readonly TypeStatus[] {
    const { quarantine, nodeId, wallMs } = this.#options;
    return this.#states.map((state) => {
      state.refresh(wallMs());
      return {
        type: state.type,
        wildcard: state.wildcard,
        names: state.names,
        offered: state.offered,
        sent: state.sent,
        acked: state.acked,
        pending: [
          ...new Set([
            ...(state.inFlight?.resources.keys() ?? []),
            ...(state.inFlight?.removed ?? []),
            ...state.asked,
            ...state.upserts,
            ...state.removals,
          ]),
        ],
        refused: state.refused,
        nacks: [...state.refused.keys()].flatMap((name) => quarantine.nackOf(nodeId, state.type, name) ?? []),
        pendingSinceMs: state.pendingSinceMs,
      };
    });
  }

  /** True when the client confirmed exactly what it is offered under this name, which may be nothing; or did not ask for it. */
  isSettled(type: TypeUrl, name: string): boolean {
    const state = this.#state(type);
    return state === undefined || state.isSettledOn(name);
  }

  /** The same of every name that the client asked for or still has. */
  isTypeSettled(type: TypeUrl): boolean {
    const state = this.#state(type);
    if (state === undefined) return true;
    state.refresh(this.#options.wallMs());
    return state.isSettled;
  }

  #state(type: string): TypeState | undefined {
    return this.#states.find((state) => state.type === type);
  }

  #addState(type: string): TypeState {
    if (this.#states.length >= MAX_TYPES) {
      throw new WeftError('limit-exceeded', { what: `more than ${MAX_TYPES} resource types on a stream`, where: type });
    }
    const { quarantine, nodeId } = this.#options;
    const state = new TypeState(type, (name, version) => quarantine.holds(nodeId, type, name, version));
    state.offer(this.#view?.get(type as TypeUrl));
    this.#states = [...this.#states, state].sort((a, b) => sendingRank(a.type) - sendingRank(b.type));
    return state;
  }

  /** As much of what is due as one response takes; names that are not offered are said to be removed. */
  #emit(state: TypeState): DeltaResponse {
    const resources: XdsResource[] = [];
    const removed: string[] = [];
    let bytes = 0;
    for (const name of [...new Set([...state.asked, ...state.upserts])].sort()) {
      const resource = state.offered.get(name);
      if (resource === undefined) removed.push(name);
      else if (bytes === 0 || bytes + resource.bytes.length <= this.#maxResponseBytes) {
        resources.push(resource);
        bytes += resource.bytes.length;
      }
    }
    return this.#send(state, resources, removed);
  }

  #send(state: TypeState, resources: readonly XdsResource[], removed: readonly string[]): DeltaResponse {
    const { type } = state;
    const framed = this.#options.responses.frame(type, resources, removed, state.lastSerial);
    state.sending(framed.nonce, framed.serial, resources, removed);
    if (type === TYPE_URLS.cluster) this.#warm(resources);
    return { type, nonce: framed.nonce, resources, removed, bytes: framed.bytes };
  }

  /** A cluster that was sent waits for its assignment again, even an unchanged one. */
  #warm(clusters: readonly XdsResource[]): void {
    const assignments = this.#state(TYPE_URLS.endpoints);
    if (assignments === undefined) return;
    for (const cluster of clusters) {
      const name = edsNameOf(cluster);
      if (name !== '' && assignments.isSubscribed(name)) assignments.asked.add(name);
    }
  }

  #areReferrersSettled(type: string): boolean {
    return referrersOf(type).every((referrer) => this.#state(referrer)?.isSettled ?? true);
  }

  #accept(state: TypeState, resource: XdsResource): void {
    state.accepted(resource);
    this.#options.quarantine.lift(this.#options.nodeId, state.type, resource.name);
  }

  #refuse(state: TypeState, resource: XdsResource, reason: string): void {
    const { name, version, origins } = resource;
    state.refused.set(name, version);
    const { nodeId, quarantine, wallMs, onNack } = this.#options;
    const nack: Nack = {
      type: state.type,
      name,
      version,
      reason: reason.slice(0, MAX_REASON_CHARS),
      atMs: wallMs(),
      origins,
    };
    quarantine.add(nodeId, nack);
    onNack?.(nack);
  }
}
