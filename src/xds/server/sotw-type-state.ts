/**
 * One type of a state-of-the-world stream. A request has all names. A response about listeners or clusters has all that
 * are subscribed, because what is absent is deleted; of other types it has what is new, and nothing can be deleted.
 */
import { setVersion } from '../content-version.ts';
import { sizeOf, TYPE_URLS, type XdsResource } from '../resource.ts';
import type { DiscoveryRequest } from '../tables/messages.gen.ts';
import { type Batch, TypeState, type TypeStateParts } from './type-state.ts';

export class SotwTypeState extends TypeState<DiscoveryRequest> {
  readonly #isWhole: boolean;
  readonly #knowsLegacyWildcard: boolean;
  #begun = false;
  #hasNamed = false;
  /** What the client says it has of a wildcard, from its last stream; empty when it says nothing. */
  #claim = '';
  /** Of a whole type: what a response must repeat lest it be deleted. */
  readonly #lastSent = new Map<string, XdsResource>();
  readonly #lastAccepted = new Map<string, XdsResource>();

  /** gRPC clients have no legacy wildcard: without names they ask for nothing. */
  constructor(parts: TypeStateParts, knowsLegacyWildcard: boolean) {
    super(parts);
    const { type } = parts;
    this.#isWhole = type === TYPE_URLS.listener || type === TYPE_URLS.cluster;
    this.#knowsLegacyWildcard = knowsLegacyWildcard;
  }

  changeNames(request: DiscoveryRequest): void {
    const { resourceNames } = request;
    this.checkCount(resourceNames.length);
    const next = new Set(resourceNames);
    if (next.size > 0) this.#hasNamed = true;
    const isLegacy = this.#isWhole && this.#knowsLegacyWildcard && !this.#hasNamed;
    this.#setWildcard(next.delete('*') || isLegacy);
    if (!this.#begun) {
      this.#begun = true;
      // xDS protocol, "ACK/NACK and resource type instance version": it may be used where nothing new can be asked for.
      if (this.wildcard && next.size === 0) this.#claim = request.versionInfo;
    }
    for (const name of this.names) if (!next.has(name)) this.#remove(name);
    for (const name of next) if (!this.names.has(name)) this.#add(name);
    if (!this.wildcard && this.names.size === 0) this.owesAnswer = false;
    this.isStale = true;
  }

  #setWildcard(wildcard: boolean): void {
    if (wildcard && !this.wildcard) this.owesAnswer = true;
    const ends = this.wildcard && !wildcard;
    this.wildcard = wildcard;
    if (ends) for (const name of this.held.sent.keys()) if (!this.names.has(name)) this.forget(name);
  }

  #add(name: string): void {
    this.takeName(name);
    this.names.add(name);
    this.haveNamesChanged = true;
    // Absence from a response about a whole type is an answer too.
    if (this.#isWhole) this.owesAnswer = true;
    else this.asked.add(name);
  }

  #remove(name: string): void {
    this.names.delete(name);
    this.giveName(name);
    this.haveNamesChanged = true;
    // Who subscribes to it again has dropped it meanwhile and must be sent it again (go-control-plane#1301).
    if (!this.wildcard) this.forget(name);
  }

  /** Of a whole type a response about any has all; otherwise what is not there cannot be sent. */
  override resend(name: string): void {
    if (this.offered.has(name)) super.resend(name);
  }

  override isSettledOn(name: string): boolean {
    return (!this.#isWhole && !this.offered.has(name)) || super.isSettledOn(name);
  }

  protected override compareAll(): void {
    if (!this.isStale) return;
    if (this.#claim !== '' && this.offered.size > 0) this.#believe();
    super.compareAll();
    if (this.#isWhole) return;
    for (const name of this.removals) this.held.unsend(name);
    this.removals.clear();
    // Remembered all the same: the name is subscribed, and nothing was sent under it.
    for (const name of this.asked) if (!this.offered.has(name)) this.asked.delete(name);
  }

  /** What the client claims is exactly what it is offered: nothing need be sent. */
  #believe(): void {
    const all = byName(this.offered.values());
    if (setVersion(all) === this.#claim) {
      for (const resource of all) {
        this.held.send(resource.name, resource.version);
        this.#lastSent.set(resource.name, resource);
        this.accepted(resource);
      }
      this.owesAnswer = false;
    }
    this.#claim = '';
  }

  additions(maxBytes: number, mayRemove: boolean): Batch {
    return this.#isWhole ? this.#whole(mayRemove) : this.#part(maxBytes);
  }

  withdrawals(): Batch {
    return this.#whole(true);
  }

  #whole(mayRemove: boolean): Batch {
    const resources: XdsResource[] = [];
    const names = this.wildcard ? this.offered.keys() : this.names;
    for (const name of names) {
      const resource = this.offered.get(name);
      if (resource !== undefined) resources.push(this.#acceptable(resource));
    }
    if (mayRemove) return { resources: byName(resources), removed: [...this.removals].sort(), absent: [] };
    for (const name of this.removals) {
      const last = this.#lastSent.get(name);
      if (last !== undefined) resources.push(last);
    }
    return { resources: byName(resources), removed: [], absent: [] };
  }

  /** In place of what the client refused, what it took last; if that was on another stream, the refused once more. */
  #acceptable(resource: XdsResource): XdsResource {
    const isRefused = this.refused.get(resource.name) === resource.version;
    return (isRefused ? this.#lastAccepted.get(resource.name) : undefined) ?? resource;
  }

  #part(maxBytes: number): Batch {
    const resources: XdsResource[] = [];
    let bytes = 0;
    for (const name of [...new Set([...this.asked, ...this.upserts])].sort()) {
      const resource = this.offered.get(name);
      if (resource === undefined || (bytes > 0 && bytes + sizeOf(resource) > maxBytes)) continue;
      resources.push(resource);
      bytes += sizeOf(resource);
    }
    return { resources, removed: [], absent: [] };
  }

  override sending(nonce: string, serial: number, batch: Batch): void {
    super.sending(nonce, serial, batch);
    if (!this.#isWhole) return;
    for (const resource of batch.resources) this.#lastSent.set(resource.name, resource);
    for (const name of batch.removed) this.#lastSent.delete(name);
  }

  override accepted(resource: XdsResource): void {
    super.accepted(resource);
    if (this.#isWhole) this.#lastAccepted.set(resource.name, resource);
  }

  override isRepeated({ name, version }: XdsResource): boolean {
    return this.#isWhole && this.held.acked(name) === version;
  }

  override dropped(name: string): void {
    super.dropped(name);
    this.#lastAccepted.delete(name);
  }

  protected override forget(name: string): void {
    super.forget(name);
    this.#lastSent.delete(name);
    this.#lastAccepted.delete(name);
  }
}

function byName(resources: Iterable<XdsResource>): XdsResource[] {
  return [...resources].sort((a, b) => (a.name < b.name ? -1 : 1));
}
