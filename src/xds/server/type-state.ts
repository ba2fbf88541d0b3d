/**
 * One type on one delta stream: what the client asked for, what it was sent, what it acknowledged, and from these what
 * is due. Knows nothing of other types; the session orders them.
 */
import { WeftError } from '../../core/errors.ts';
import { TYPE_URLS, type XdsResource } from '../resource.ts';
import type { DeltaDiscoveryRequest } from '../tables/messages.gen.ts';

export interface InFlight {
  readonly nonce: string;
  /** Those that were unsubscribed since are gone from it. */
  readonly resources: Map<string, XdsResource>;
  readonly removed: Set<string>;
}

const MAX_NAMES = 20_000;
const MAX_NAME_LENGTH = 1024;

const NOTHING: ReadonlyMap<string, XdsResource> = new Map();

export class TypeState {
  readonly type: string;
  /** Whether a quarantined version must be kept back: see the session. */
  readonly #isWithheld: (name: string, version: string) => boolean;
  readonly names = new Set<string>();
  wildcard = false;
  #begun = false;
  /** What the client has, as far as was sent or told by it; a refused version counts, or it would be sent again. */
  readonly sent = new Map<string, string>();
  /** What the client confirmed, or brought along from its last stream. */
  readonly acked = new Map<string, string>();
  /** Refused by the client: it goes on with what it had. */
  readonly refused = new Map<string, string>();
  /** Names that must be answered whether or not the client has their version. */
  readonly asked = new Set<string>();
  readonly upserts = new Set<string>();
  readonly removals = new Set<string>();
  /** A wildcard subscription is answered once even when there is nothing: the client waits for it to start. */
  owesFirst = false;
  inFlight: InFlight | null = null;
  lastSerial = 0;
  offered: ReadonlyMap<string, XdsResource> = NOTHING;
  /** Since when the client has not had what is due to it; null: it has. In milliseconds since the Unix epoch. */
  pendingSinceMs: number | null = null;
  #stale = true;

  constructor(type: string, isWithheld: (name: string, version: string) => boolean) {
    this.type = type;
    this.#isWithheld = isWithheld;
  }

  get isSettled(): boolean {
    return !this.#isPending && this.refused.size === 0;
  }

  get #isPending(): boolean {
    return this.inFlight !== null || this.asked.size + this.upserts.size + this.removals.size > 0 || this.owesFirst;
  }

  isSettledOn(name: string): boolean {
    if (!this.isSubscribed(name) && !this.acked.has(name)) return true;
    if (this.inFlight?.removed.has(name)) return false;
    return this.acked.get(name) === this.offered.get(name)?.version;
  }

  isSubscribed(name: string): boolean {
    return this.wildcard || this.names.has(name);
  }

  /** Throws `limit-exceeded` past MAX_NAMES names or MAX_NAME_LENGTH characters. */
  changeNames(request: DeltaDiscoveryRequest): void {
    if (!this.#begun) this.#begin(request);
    for (const name of request.resourceNamesUnsubscribe) this.#unsubscribe(name);
    for (const name of request.resourceNamesSubscribe) this.#subscribe(name, request);
    this.#stale = true;
  }

  #begin(request: DeltaDiscoveryRequest): void {
    this.#begun = true;
    // The legacy wildcard, for these two types only; it lasts until `*` is unsubscribed, whatever is named later.
    const mayBeLegacy = this.type === TYPE_URLS.listener || this.type === TYPE_URLS.cluster;
    this.wildcard = mayBeLegacy && request.resourceNamesSubscribe.length === 0;
    this.owesFirst = this.wildcard;
    // State, not subscription: it only says what need not be sent.
    this.#bound(request.initialResourceVersions.size);
    for (const [name, version] of request.initialResourceVersions) {
      checkName(name);
      this.sent.set(name, version);
      this.acked.set(name, version);
    }
  }

  #subscribe(name: string, request: DeltaDiscoveryRequest): void {
    if (name === '*') {
      this.owesFirst ||= !this.wildcard;
      this.wildcard = true;
      return;
    }
    checkName(name);
    this.names.add(name);
    this.#bound(this.names.size);
    // Asked again means lost or never had, so it is sent even when the version is known; but a client that says in the
    // same request which version it has is not asking for that one.
    if (!request.initialResourceVersions.has(name)) this.asked.add(name);
  }

  #unsubscribe(name: string): void {
    if (name === '*') {
      this.wildcard = false;
      this.owesFirst = false;
      for (const held of this.sent.keys()) if (!this.names.has(held)) this.#forget(held);
      for (const held of this.asked) if (!this.names.has(held)) this.asked.delete(held);
      return;
    }
    if (!this.names.delete(name)) return;
    // Under a wildcard the client must be told whether the name lives on.
    if (this.wildcard) this.asked.add(name);
    else this.#forget(name);
  }

  #forget(name: string): void {
    this.sent.delete(name);
    this.acked.delete(name);
    this.refused.delete(name);
    this.asked.delete(name);
    this.inFlight?.resources.delete(name);
    this.inFlight?.removed.delete(name);
  }

  #bound(count: number): void {
    if (count <= MAX_NAMES) return;
    throw new WeftError('limit-exceeded', { what: `more than ${MAX_NAMES} resource names`, where: this.type });
  }

  offer(resources: ReadonlyMap<string, XdsResource> | undefined): void {
    const next = resources ?? NOTHING;
    if (next === this.offered) return;
    this.offered = next;
    this.#stale = true;
  }

  /** Brings `upserts`, `removals` and `pendingSinceMs` up to date. */
  refresh(wallMs: number): void {
    this.#compareAll();
    this.pendingSinceMs = this.#isPending ? (this.pendingSinceMs ?? wallMs) : null;
  }

  #compareAll(): void {
    if (!this.#stale) return;
    this.#stale = false;
    this.upserts.clear();
    this.removals.clear();
    if (this.wildcard) for (const resource of this.offered.values()) this.#compare(resource);
    else {
      for (const name of this.names) {
        const resource = this.offered.get(name);
        if (resource !== undefined) this.#compare(resource);
      }
    }
    for (const name of this.sent.keys()) {
      if (this.offered.has(name) || !this.isSubscribed(name)) continue;
      this.removals.add(name);
      this.refused.delete(name);
    }
  }

  #compare(resource: XdsResource): void {
    const { name, version } = resource;
    const has = this.sent.get(name);
    if (has === version) return;
    // Without any version the proxy has nothing to go on with: it gets even what it once refused.
    if (has !== undefined && this.#isWithheld(name, version)) this.refused.set(name, version);
    else {
      this.refused.delete(name);
      this.upserts.add(name);
    }
  }

  /** The response is on its way: what it carries is no longer due. */
  sending(nonce: string, serial: number, resources: readonly XdsResource[], removed: readonly string[]): void {
    for (const resource of resources) {
      this.sent.set(resource.name, resource.version);
      this.asked.delete(resource.name);
      this.upserts.delete(resource.name);
    }
    for (const name of removed) {
      this.sent.delete(name);
      this.asked.delete(name);
      this.removals.delete(name);
    }
    this.owesFirst = false;
    this.lastSerial = serial;
    this.inFlight = { nonce, resources: new Map(resources.map((r) => [r.name, r])), removed: new Set(removed) };
  }

  /** The response in flight, when this nonce answers it; a stale nonce answers nothing. */
  answered(nonce: string): InFlight | null {
    const { inFlight } = this;
    if (inFlight === null || nonce !== inFlight.nonce) return null;
    this.inFlight = null;
    return inFlight;
  }

  accepted(resource: XdsResource): void {
    this.acked.set(resource.name, resource.version);
    if (this.refused.get(resource.name) === resource.version) this.refused.delete(resource.name);
  }

  dropped(name: string): void {
    this.acked.delete(name);
    this.refused.delete(name);
  }
}

function checkName(name: string): void {
  if (name.length <= MAX_NAME_LENGTH) return;
  throw new WeftError('limit-exceeded', { what: `resource name longer than ${MAX_NAME_LENGTH} characters` });
}
