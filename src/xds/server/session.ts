/**
 * One xDS stream as a state machine without I/O: requests and offered views go in, responses come out when the transport
 * is ready for one. The rules are those of Envoy's xDS protocol description; what differs between its incremental and
 * its state-of-the-world variant is the type state's.
 */
import { bothEnds } from '../../core/both-ends.ts';
import { WeftError } from '../../core/errors.ts';
import { Limit } from '../../core/limit.ts';
import { TYPE_URLS, type TypeUrl, type XdsResource, type XdsView } from '../resource.ts';
import type { Node, RpcStatus } from '../tables/messages.gen.ts';
import { edsNameOf } from './eds-name.ts';
import { referentsOf, referrersOf, sendingRank } from './push-order.ts';
import type { Table } from '../wire/table.ts';
import type { Nack, Quarantine } from './quarantine.ts';
import { refusedBy } from './refusals.ts';
import type { StreamProtocol } from '../service-paths.ts';
import type { ResponseCache } from './response-cache.ts';
import type { Batch, InFlight, TypeState, TypeStateParts } from './type-state.ts';

/** What requests of both variants have in common. */
export interface XdsRequest {
  readonly node: Node | undefined;
  readonly typeUrl: string;
  readonly responseNonce: string;
  readonly errorDetail: RpcStatus | undefined;
}

export interface XdsResponse extends Batch {
  readonly type: string;
  readonly nonce: string;
  /** The encoded response, shared with other streams. */
  readonly bytes: Uint8Array;
}

/** The variant of a stream: what it decodes is a `Request`. */
export interface Dialect<Request extends XdsRequest> {
  readonly variant: StreamProtocol;
  readonly table: Table<Request>;
  typeState(parts: TypeStateParts, client: ClientTraits): TypeState<Request>;
}

export interface ClientTraits {
  /** Proxyless gRPC: it knows no legacy wildcard. */
  readonly isGrpc: boolean;
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
  readonly client: ClientTraits;
  /** Bounds the names and versions that the client says, with what else shares it; default 8 MiB. */
  readonly nameBytes?: Limit;
  /** Of a service of one type: its requests need not name it. */
  readonly onlyType?: TypeUrl | null;
  /** Shared by all sessions of a server, as is `quarantine`. */
  readonly responses: ResponseCache;
  readonly quarantine: Quarantine;
  readonly wallMs: () => number;
  /** `isRepeated`: the node has refused this content before, on this stream or another. */
  readonly onNack?: (nack: Nack, isRepeated: boolean) => void;
  /** Called for a request that answers none of the responses that are under way. */
  readonly onStaleNonce?: () => void;
  /** A response is closed when its resources reach this; default 3 MiB, as gRPC clients take 4 MiB by default. */
  readonly maxResponseBytes?: number;
}

/** Weft serves six types; a client may ask for a few that it does not, and gets nothing of them. */
const MAX_TYPES = 16;
const MAX_TYPE_LENGTH = 256;

/** Kept for as long as the refusal holds. */
const MAX_REASON_CHARS = 2_000;

const NO_NAMES: ReadonlySet<string> = new Set();

/** A session as those see it who do not feed it requests. */
export type AnySession = Omit<Session<never>, 'onRequest'>;

export class Session<Request extends XdsRequest> {
  readonly #dialect: Dialect<Request>;
  readonly #options: SessionOptions;
  readonly #nameBytes: Limit;
  readonly #maxResponseBytes: number;
  /** In the order of sending. */
  #states: TypeState<Request>[] = [];
  #view: XdsView | null = null;

  constructor(dialect: Dialect<Request>, options: SessionOptions) {
    this.#dialect = dialect;
    this.#options = options;
    this.#nameBytes = options.nameBytes ?? new Limit('xds.name_bytes', 8 << 20);
    this.#maxResponseBytes = options.maxResponseBytes ?? 3 << 20;
  }

  /** Throws `invalid` or `limit-exceeded`: the stream cannot go on. */
  onRequest(request: Request): void {
    const type = this.#typeOf(request);
    const state = this.#state(type) ?? this.#addState(type);
    // Names first: a NACK may change subscriptions too.
    state.changeNames(request);
    if (request.responseNonce === '') return;
    const answered = state.answered(request.responseNonce);
    if (answered === null) {
      if (!state.isLastNonce(request.responseNonce)) this.#options.onStaleNonce?.();
      return;
    }
    // Only error_detail makes a NACK; nonce and versions say nothing of it.
    const reasons = request.errorDetail === undefined ? null : blamed(state, answered, request.errorDetail.message);
    for (const resource of answered.resources.values()) {
      const reason = reasons?.get(resource.name);
      if (reason === undefined) this.#accept(state, resource);
      else this.#refuse(state, resource, reason);
    }
    for (const name of answered.removed) if (!reasons?.has(name)) state.dropped(name);
  }

  /** The stream is over: what it took of shared bounds is given back. */
  close(): void {
    for (const state of this.#states) state.close();
  }

  /** The whole of what this proxy should have, also of types that did not change. Nothing is answered before the first. */
  offer(view: XdsView): void {
    this.#view = view;
    for (const state of this.#states) state.offer(view.get(state.type as TypeUrl));
  }

  /** The next response, or null when there is none to send now. Ask again after it was sent, after requests and offers. */
  next(): XdsResponse | null {
    if (this.#view === null) return null;
    const wallMs = this.#options.wallMs();
    for (const state of this.#states) state.refresh(wallMs);
    const heldUp = new Set<string>();
    for (const state of this.#states) {
      if (!state.hasNews) continue;
      // A type waits for its own answer, and for those that it refers to; clients that wait on something else before
      // they acknowledge (warming) are never kept from it.
      if (state.inFlight === null && !referentsOf(state.type).some((type) => heldUp.has(type))) {
        return this.#send(state, state.additions(this.#maxResponseBytes, this.#areReferrersSettled(state.type)));
      }
      heldUp.add(state.type);
    }
    for (const state of this.#states) {
      const isFree = state.removals.size > 0 && state.inFlight === null;
      if (isFree && this.#areReferrersSettled(state.type)) return this.#send(state, state.withdrawals());
    }
    return null;
  }

  /** Asked for by name, of this type. */
  namesOf(type: TypeUrl): ReadonlySet<string> {
    return this.#state(type)?.names ?? NO_NAMES;
  }

  /** What the client has of this type, asked for by name or not; null: it has not asked for the type. */
  heldOf(type: TypeUrl): Iterable<string> | null {
    return this.#state(type)?.held.sent.keys() ?? null;
  }

  /** True once after requests that added or took away names of this type, or said what is held of it. */
  takeNamesChanged(type: TypeUrl): boolean {
    return this.#state(type)?.takeNamesChanged() ?? false;
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
        sent: state.held.sent,
        acked: state.held.allAcked(),
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

  /** True when there is nothing to send and nothing to wait for; it has had a view. */
  get isIdle(): boolean {
    return this.#view !== null && this.#states.every((state) => !state.isPending);
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

  #typeOf({ typeUrl }: XdsRequest): string {
    const only = this.#options.onlyType ?? null;
    if (only !== null && (typeUrl === '' || typeUrl === only)) return only;
    if (only !== null)
      throw new WeftError('invalid', { what: `this service has ${only}, not ${typeUrl.slice(0, 200)}` });
    if (typeUrl === '') throw new WeftError('invalid', { what: 'a request without type_url' });
    if (typeUrl.length > MAX_TYPE_LENGTH) throw new WeftError('invalid', { what: 'type_url is too long' });
    return typeUrl;
  }

  #state(type: string): TypeState<Request> | undefined {
    return this.#states.find((state) => state.type === type);
  }

  #addState(type: string): TypeState<Request> {
    if (this.#states.length >= MAX_TYPES) {
      throw new WeftError('limit-exceeded', { what: `more than ${MAX_TYPES} resource types on a stream`, where: type });
    }
    const { quarantine, nodeId, client } = this.#options;
    const isWithheld: TypeStateParts['isWithheld'] = (name, version) => quarantine.holds(nodeId, type, name, version);
    const state = this.#dialect.typeState({ type, isWithheld, nameBytes: this.#nameBytes }, client);
    state.offer(this.#view?.get(type as TypeUrl));
    this.#states = [...this.#states, state].sort((a, b) => sendingRank(a.type) - sendingRank(b.type));
    return state;
  }

  #send(state: TypeState<Request>, batch: Batch): XdsResponse {
    const { type } = state;
    if (type === TYPE_URLS.cluster) this.#warm(state, batch.resources);
    const framing = { variant: this.#dialect.variant, type, ...batch };
    const { nonce, serial, bytes } = this.#options.responses.frame(framing, state.lastSerial);
    state.sending(nonce, serial, batch);
    return { type, nonce, ...batch, bytes };
  }

  /** A cluster that changes, or was asked for, waits for its assignment again, even an unchanged one. */
  #warm(state: TypeState<Request>, clusters: readonly XdsResource[]): void {
    const assignments = this.#state(TYPE_URLS.endpoints);
    if (assignments === undefined) return;
    for (const cluster of clusters) {
      if (state.held.sent.get(cluster.name) === cluster.version && !state.asked.has(cluster.name)) continue;
      const name = edsNameOf(cluster);
      if (name !== '') assignments.resend(name);
    }
  }

  #areReferrersSettled(type: string): boolean {
    return referrersOf(type).every((referrer) => this.#state(referrer)?.isSettled ?? true);
  }

  #accept(state: TypeState<Request>, resource: XdsResource): void {
    state.accepted(resource);
    // In place of what it refused, a client may have been sent what it took before.
    if (!state.refused.has(resource.name)) {
      this.#options.quarantine.lift(this.#options.nodeId, state.type, resource.name);
    }
  }

  #refuse(state: TypeState<Request>, resource: XdsResource, reason: string): void {
    const { name, version, origins } = resource;
    state.refused.set(name, version);
    const { nodeId, quarantine, wallMs, onNack } = this.#options;
    const nack: Nack = {
      type: state.type,
      name,
      version,
      reason: bothEnds(reason, MAX_REASON_CHARS),
      atMs: wallMs(),
      origins,
    };
    const isRepeated = quarantine.nackOf(nodeId, state.type, name)?.version === version;
    quarantine.add(nodeId, nack);
    onNack?.(nack, isRepeated);
  }
}

/** Whom a NACK means: first those that are new to the client, not what came along because a response must be whole. */
function blamed(state: TypeState<never>, { resources, removed }: InFlight, message: string) {
  const fresh = [...resources.values()].filter((resource) => !state.isRepeated(resource));
  const suspects = fresh.length === 0 ? [...resources.values()] : fresh;
  return refusedBy(message, [...suspects.map((resource) => resource.name), ...removed]);
}
