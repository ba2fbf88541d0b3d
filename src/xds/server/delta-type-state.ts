/** One type of a delta stream: names come and go by difference, and a response carries the difference alone. */
import type { XdsResource } from '../resource.ts';
import type { DeltaDiscoveryRequest } from '../tables/messages.gen.ts';
import { type Batch, checkName, mayBeLegacyWildcard, TypeState } from './type-state.ts';

export class DeltaTypeState extends TypeState<DeltaDiscoveryRequest> {
  #begun = false;

  changeNames(request: DeltaDiscoveryRequest): void {
    if (!this.#begun) this.#begin(request);
    for (const name of request.resourceNamesUnsubscribe) this.#unsubscribe(name);
    for (const name of request.resourceNamesSubscribe) this.#subscribe(name, request);
    this.isStale = true;
  }

  #begin(request: DeltaDiscoveryRequest): void {
    this.#begun = true;
    // The legacy wildcard lasts until `*` is unsubscribed, whatever is named later.
    this.wildcard = mayBeLegacyWildcard(this.type) && request.resourceNamesSubscribe.length === 0;
    this.owesAnswer = this.wildcard;
    // State, not subscription: it only says what need not be sent.
    this.checkCount(request.initialResourceVersions.size);
    for (const [name, version] of request.initialResourceVersions) {
      checkName(name);
      this.sent.set(name, version);
      this.acked.set(name, version);
    }
  }

  #subscribe(name: string, request: DeltaDiscoveryRequest): void {
    if (name === '*') {
      this.owesAnswer ||= !this.wildcard;
      this.wildcard = true;
      return;
    }
    checkName(name);
    this.names.add(name);
    this.checkCount(this.names.size);
    // Asked again means lost or never had, so it is sent even when the version is known; but a client that says in the
    // same request which version it has is not asking for that one.
    if (!request.initialResourceVersions.has(name)) this.asked.add(name);
  }

  #unsubscribe(name: string): void {
    if (name === '*') {
      this.wildcard = false;
      this.owesAnswer = false;
      for (const held of this.sent.keys()) if (!this.names.has(held)) this.forget(held);
      for (const held of this.asked) if (!this.names.has(held)) this.asked.delete(held);
      return;
    }
    if (!this.names.delete(name)) return;
    // Under a wildcard the client must be told whether the name lives on.
    if (this.wildcard) this.asked.add(name);
    else this.forget(name);
  }

  /** Removals have responses of their own, last of all; names that are not offered are said to be removed. */
  additions(maxBytes: number): Batch {
    const resources: XdsResource[] = [];
    const removed: string[] = [];
    let bytes = 0;
    for (const name of [...new Set([...this.asked, ...this.upserts])].sort()) {
      const resource = this.offered.get(name);
      if (resource === undefined) removed.push(name);
      else if (bytes === 0 || bytes + resource.bytes.length <= maxBytes) {
        resources.push(resource);
        bytes += resource.bytes.length;
      }
    }
    return { resources, removed };
  }

  withdrawals(): Batch {
    return { resources: [], removed: [...this.removals].sort() };
  }
}
