/**
 * What a client has of a type: what it was sent, and what of that it confirmed. Most of the time the two are one, so one
 * map is kept of what was sent, and beside it only where the confirmed version is another.
 */
export class HeldVersions {
  /** Name → version. */
  readonly #sent = new Map<string, string>();
  /** Names whose confirmed version is not what was sent; undefined: none is confirmed. */
  #apart: Map<string, string | undefined> | null = null;

  /** As far as was sent or told by the client; a refused version counts, or it would be sent again. */
  get sent(): ReadonlyMap<string, string> {
    return this.#sent;
  }

  acked(name: string): string | undefined {
    return this.#apart !== null && this.#apart.has(name) ? this.#apart.get(name) : this.#sent.get(name);
  }

  /** All that is confirmed, as a map of its own. */
  allAcked(): Map<string, string> {
    const all = new Map(this.#sent);
    for (const [name, version] of this.#apart ?? []) {
      if (version === undefined) all.delete(name);
      else all.set(name, version);
    }
    return all;
  }

  /** It has it without being sent it. */
  told(name: string, version: string): void {
    this.#sent.set(name, version);
    this.#agree(name);
  }

  send(name: string, version: string): void {
    const acked = this.acked(name);
    this.#sent.set(name, version);
    this.#set(name, acked);
  }

  /** What was sent under this name is gone; what was confirmed is until it is `dropped`. */
  unsend(name: string): void {
    const acked = this.acked(name);
    this.#sent.delete(name);
    this.#set(name, acked);
  }

  accept(name: string, version: string): void {
    this.#set(name, version);
  }

  drop(name: string): void {
    this.#set(name, undefined);
  }

  forget(name: string): void {
    this.#sent.delete(name);
    this.#agree(name);
  }

  #set(name: string, acked: string | undefined): void {
    if (acked === this.#sent.get(name)) return this.#agree(name);
    this.#apart ??= new Map();
    this.#apart.set(name, acked);
  }

  #agree(name: string): void {
    const apart = this.#apart;
    if (apart !== null && apart.delete(name) && apart.size === 0) this.#apart = null;
  }
}
