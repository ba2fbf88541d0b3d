/**
 * One type on one stream: what the client asked for, what it was sent, what it acknowledged, and from these what is due.
 * Knows nothing of other types, which the session orders. How names are asked for and what a response must carry
 * differs by variant: delta-type-state.ts, sotw-type-state.ts.
 */
import { WeftError } from '../../core/errors.ts';
import type { Limit } from '../../core/limit.ts';
import type { XdsResource } from '../resource.ts';
import { HeldVersions } from './held-versions.ts';
import { SparseNames } from './sparse-names.ts';

export interface InFlight {
  readonly nonce: string;
  /** Those that were unsubscribed since are gone from it. */
  readonly resources: Map<string, XdsResource>;
  readonly removed: Set<string>;
}

/** What one response carries, in order of name. */
export interface Batch {
  readonly resources: readonly XdsResource[];
  /** Names that the client has no more after it. */
  readonly removed: readonly string[];
  /** Names that there is nothing under, where saying that they are removed would leave the client waiting. */
  readonly absent: readonly string[];
}

/** Whether a quarantined version must be kept back: see the session. */
export type IsWithheld = (name: string, version: string) => boolean;

const MAX_NAMES = 20_000;
const MAX_NAME_LENGTH = 1024;

const NOTHING: ReadonlyMap<string, XdsResource> = new Map();

/** What a state has of its session. */
export interface TypeStateParts {
  readonly type: string;
  readonly isWithheld: IsWithheld;
  /** Of all names and versions that clients say. Given back when the session closes. */
  readonly nameBytes: Limit;
}

export abstract class TypeState<Request> {
  readonly type: string;
  readonly #isWithheld: IsWithheld;
  readonly #nameBytes: Limit;
  #takenBytes = 0;
  readonly names = new Set<string>();
  wildcard = false;
  readonly held = new HeldVersions();
  /** Refused by the client: it goes on with what it had. */
  readonly refused = new Map<string, string>();
  /** Names that must be answered whether or not the client has their version. */
  readonly asked = new SparseNames();
  readonly upserts = new SparseNames();
  readonly removals = new SparseNames();
  /** An answer is owed even when there is nothing to say: the client waits for it to start. */
  owesAnswer = false;
  inFlight: InFlight | null = null;
  lastSerial = 0;
  protected lastNonce = '';
  offered: ReadonlyMap<string, XdsResource> = NOTHING;
  /** Since when the client has not had what is due to it; null: it has. In milliseconds since the Unix epoch. */
  pendingSinceMs: number | null = null;
  protected isStale = true;
  protected haveNamesChanged = false;

  constructor({ type, isWithheld, nameBytes }: TypeStateParts) {
    this.type = type;
    this.#isWithheld = isWithheld;
    this.#nameBytes = nameBytes;
  }

  close(): void {
    this.#nameBytes.give(this.#takenBytes);
    this.#takenBytes = 0;
  }

  /** Throws `limit-exceeded` past MAX_NAMES names, MAX_NAME_LENGTH characters or the bytes of the session. */
  abstract changeNames(request: Request): void;

  /** As much of what is new as `maxBytes` take. `mayRemove`: nobody names what is gone any more. */
  abstract additions(maxBytes: number, mayRemove: boolean): Batch;

  /** What tells the client that names are gone, after nobody names them any more. */
  abstract withdrawals(): Batch;

  /** True once after the names changed. */
  takeNamesChanged(): boolean {
    const { haveNamesChanged } = this;
    this.haveNamesChanged = false;
    return haveNamesChanged;
  }

  get hasNews(): boolean {
    return this.owesAnswer || this.asked.size + this.upserts.size > 0;
  }

  get isSettled(): boolean {
    return !this.isPending && this.refused.size === 0;
  }

  get isPending(): boolean {
    return this.hasNews || this.inFlight !== null || this.removals.size > 0;
  }

  isSettledOn(name: string): boolean {
    const acked = this.held.acked(name);
    if (!this.isSubscribed(name) && acked === undefined) return true;
    if (this.inFlight?.removed.has(name)) return false;
    return acked === this.offered.get(name)?.version;
  }

  isSubscribed(name: string): boolean {
    return this.wildcard || this.names.has(name);
  }

  /** The client needs this once more, in whatever version it has it. */
  resend(name: string): void {
    if (this.isSubscribed(name)) this.asked.add(name);
  }

  offer(resources: ReadonlyMap<string, XdsResource> | undefined): void {
    const next = resources ?? NOTHING;
    if (next === this.offered) return;
    this.offered = next;
    this.isStale = true;
  }

  /** Brings `upserts`, `removals` and `pendingSinceMs` up to date. */
  refresh(wallMs: number): void {
    this.compareAll();
    this.pendingSinceMs = this.isPending ? (this.pendingSinceMs ?? wallMs) : null;
  }

  protected compareAll(): void {
    if (!this.isStale) return;
    this.isStale = false;
    this.upserts.clear();
    this.removals.clear();
    for (const name of this.wildcard ? this.offered.keys() : this.names) this.compare(name);
    for (const name of this.held.sent.keys()) if (!this.offered.has(name)) this.compare(name);
  }

  /** Whether this name is due now. */
  protected compare(name: string): void {
    this.upserts.delete(name);
    this.removals.delete(name);
    if (!this.isSubscribed(name)) return;
    const offered = this.offered.get(name)?.version;
    const has = this.held.sent.get(name);
    if (has === offered) return;
    // Without any version the proxy has nothing to go on with: it gets even what it once refused.
    if (offered !== undefined && has !== undefined && this.#isWithheld(name, offered)) {
      this.refused.set(name, offered);
      return;
    }
    this.refused.delete(name);
    if (offered === undefined) this.removals.add(name);
    else this.upserts.add(name);
  }

  /** The response is on its way: what it carries is no longer due. */
  sending(nonce: string, serial: number, { resources, removed, absent }: Batch): void {
    for (const resource of resources) {
      this.held.send(resource.name, resource.version);
      this.asked.delete(resource.name);
      this.upserts.delete(resource.name);
      for (const alias of resource.aliases ?? []) this.asked.delete(alias);
    }
    for (const name of absent) this.asked.delete(name);
    for (const name of removed) {
      this.held.unsend(name);
      this.asked.delete(name);
      this.removals.delete(name);
    }
    this.owesAnswer = false;
    this.lastSerial = serial;
    this.lastNonce = nonce;
    this.inFlight = { nonce, resources: new Map(resources.map((r) => [r.name, r])), removed: new Set(removed) };
  }

  /** A request that changes names alone may repeat the nonce of what was answered before. */
  isLastNonce(nonce: string): boolean {
    return nonce === this.lastNonce;
  }

  /** The response in flight, when this nonce answers it; a stale nonce answers nothing. */
  answered(nonce: string): InFlight | null {
    const { inFlight } = this;
    if (inFlight === null || nonce !== inFlight.nonce) return null;
    this.inFlight = null;
    return inFlight;
  }

  /** True when it came along though the client has it and did not ask for it. */
  isRepeated(_resource: XdsResource): boolean {
    return false;
  }

  accepted(resource: XdsResource): void {
    this.held.accept(resource.name, resource.version);
    if (this.refused.get(resource.name) === resource.version) this.refused.delete(resource.name);
  }

  dropped(name: string): void {
    this.held.drop(name);
    this.refused.delete(name);
  }

  /** The client has this no more, and is not to be told of it. */
  protected forget(name: string): void {
    this.held.forget(name);
    this.refused.delete(name);
    this.asked.delete(name);
    this.inFlight?.resources.delete(name);
    this.inFlight?.removed.delete(name);
  }

  protected checkCount(count: number): void {
    if (count <= MAX_NAMES) return;
    throw new WeftError('limit-exceeded', { what: `more than ${MAX_NAMES} resource names`, where: this.type });
  }

  protected takeName(name: string): void {
    if (name.length > MAX_NAME_LENGTH) {
      const what = `resource name longer than ${MAX_NAME_LENGTH} characters`;
      throw new WeftError('limit-exceeded', { what, where: this.type });
    }
    if (!this.#nameBytes.take(name.length)) {
      const what = `resource names of more than ${this.#nameBytes.max} bytes together`;
      throw new WeftError('limit-exceeded', { what, where: this.type });
    }
    this.#takenBytes += name.length;
  }

  protected giveName(name: string): void {
    this.#nameBytes.give(name.length);
    this.#takenBytes -= name.length;
  }
}
