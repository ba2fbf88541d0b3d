/**
 * Where internal endpoints lead: listeners of this proxy that have no address, by name. It stands with the clusters,
 * which look targets up; the listeners above register them.
 */
import type { Connection, ConnectionHandler } from '../../core/runtime.ts';

export class InternalTargets {
  readonly #accept = new Map<string, (connection: Connection) => ConnectionHandler>();

  /** Replaces an earlier target of this name. */
  register(name: string, accept: (connection: Connection) => ConnectionHandler): void {
    this.#accept.set(name, accept);
  }

  unregister(name: string, accept: (connection: Connection) => ConnectionHandler): void {
    if (this.#accept.get(name) === accept) this.#accept.delete(name);
  }

  find(name: string): ((connection: Connection) => ConnectionHandler) | null {
    return this.#accept.get(name) ?? null;
  }
}
