/** One type of a delta stream: names come and go by difference, and a response carries the difference alone. */
import { sizeOf, TYPE_URLS, type XdsResource } from '../resource.ts';
import type { DeltaDiscoveryRequest } from '../tables/messages.gen.ts';
import { differingNames } from './differing-names.ts';
import { type Batch, TypeState } from './type-state.ts';

/** A first request without any name means all. Envoy asks so for the virtual hosts that it is to begin with (envoy#12742). */
const LEGACY_WILDCARDS: readonly string[] = [TYPE_URLS.listener, TYPE_URLS.cluster, TYPE_URLS.virtualHosts];

export class DeltaTypeState extends TypeState<DeltaDiscoveryRequest> {
  #begun = false;
  #hasSaidWildcard = false;

  override offer(resources: ReadonlyMap<string, XdsResource> | undefined): void {
    const { isStale, offered: before } = this;
    super.offer(resources);
    // What is refused may be due for other reasons than a change of its own.
    if (isStale || this.refused.size > 0) return;
    for (const name of differingNames(before, this.offered)) this.compare(name);
    this.isStale = false;
  }

  changeNames(request: DeltaDiscoveryRequest): void {
    if (!this.#begun) this.#begin(request);
    for (const name of request.resourceNamesUnsubscribe) this.#unsubscribe(name);
    for (const name of request.resourceNamesSubscribe) this.#subscribe(name, request);
    this.isStale = true;
  }

  #begin(request: DeltaDiscoveryRequest): void {
    this.#begun = true;
    // The legacy wildcard lasts until `*` is unsubscribed, whatever is named later.
    this.wildcard = LEGACY_WILDCARDS.includes(this.type) && request.resourceNamesSubscribe.length === 0;
    this.owesAnswer = this.wildcard;
    // State, not subscription: it only says what need not be sent.
    this.checkCount(request.initialResourceVersions.size);
    this.haveNamesChanged ||= request.initialResourceVersions.size > 0;
    for (const [name, version] of request.initialResourceVersions) {
      this.takeName(name);
      this.takeName(version);
      const offered = this.offered.get(name);
      const known = offered?.version === version ? offered.version : version;
      this.held.told(offered?.name ?? name, known);
    }
  }

  #subscribe(name: string, request: DeltaDiscoveryRequest): void {
    if (name === '*') {
      this.owesAnswer ||= !this.wildcard;
      // Said again it asks for all again; said first, a legacy wildcard becomes an explicit one.
      if (this.#hasSaidWildcard) for (const held of this.held.sent.keys()) this.asked.add(held);
      this.#hasSaidWildcard = true;
      this.wildcard = true;
      return;
    }
    if (!this.names.has(name)) {
      this.takeName(name);
      // Thousands of clients name the same: one text of it is enough.
      this.names.add(this.offered.get(name)?.name ?? name);
      this.checkCount(this.names.size);
      this.haveNamesChanged = true;
    }
    // Asked again means lost or never had, so it is sent even when the version is known; but a client that says in the
    // same request which version it has is not asking for that one.
    if (!request.initialResourceVersions.has(name)) this.asked.add(name);
  }

  #unsubscribe(name: string): void {
    if (name === '*') {
      this.wildcard = false;
      this.#hasSaidWildcard = false;
      this.owesAnswer = false;
      for (const held of this.held.sent.keys()) if (!this.names.has(held)) this.forget(held);
      for (const held of this.asked) if (!this.names.has(held)) this.asked.delete(held);
      return;
    }
    if (!this.names.delete(name)) return;
    this.giveName(name);
    this.haveNamesChanged = true;
    // Under a wildcard the client must be told whether the name lives on.
    if (this.wildcard) this.asked.add(name);
    else this.forget(name);
  }

  /** Removals have responses of their own, last of all; names that are not offered are said to be removed. */
  additions(maxBytes: number): Batch {
    const resources = new Set<XdsResource>();
    const unknown: string[] = [];
    let bytes = 0;
    for (const name of [...new Set([...this.asked, ...this.upserts])].sort()) {
      const resource = this.offered.get(name) ?? aliasesOf(this.offered).get(name);
      if (resource === undefined) unknown.push(name);
      else if (bytes === 0 || bytes + sizeOf(resource) <= maxBytes) {
        resources.add(resource);
        bytes += sizeOf(resource);
      }
    }
    // Envoy holds a request for a virtual host that is said to be removed, and answers 404 to one without content.
    const isHeld = this.type === TYPE_URLS.virtualHosts;
    return { resources: [...resources], removed: isHeld ? [] : unknown, absent: isHeld ? unknown : [] };
  }

  withdrawals(): Batch {
    return { resources: [], removed: [...this.removals].sort(), absent: [] };
  }
}

type Offered = ReadonlyMap<string, XdsResource>;

const known = new WeakMap<Offered, Offered>();

/** By alias; found once for each view. */
function aliasesOf(offered: Offered): Offered {
  let found = known.get(offered);
  if (found === undefined) {
    const pairs = [...offered.values()].flatMap((one) => (one.aliases ?? []).map((alias) => [alias, one] as const));
    found = new Map(pairs);
    known.set(offered, found);
  }
  return found;
}
