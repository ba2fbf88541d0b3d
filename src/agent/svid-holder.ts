/** The current SVID of the workload, in memory: what the proxy reads, and the renewal replaces. */
import type { Svid, SvidSource } from '../identity/svid.ts';

export class SvidHolder implements SvidSource {
  readonly #subscribers = new Set<() => void>();
  #svid: Svid | null = null;

  current(): Svid | null {
    return this.#svid;
  }

  subscribe(changed: () => void): () => void {
    this.#subscribers.add(changed);
    return () => void this.#subscribers.delete(changed);
  }

  set(svid: Svid): void {
    this.#svid = svid;
    for (const changed of this.#subscribers) changed();
  }
}
