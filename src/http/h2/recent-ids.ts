/**
 * The streams that this end has reset lately: frames that were under way when the RST_STREAM arrived are ignored for
 * these (RFC 9113 section 5.1, closed), and an error for every other stream that is no more.
 */

/** As many as can be reset at once and still have frames under way. */
const KEPT = 1_024;

export class RecentIds {
  /** Made when the first stream is reset. */
  #ids: Uint32Array | null = null;
  #next = 0;

  add(id: number): void {
    this.#ids ??= new Uint32Array(KEPT);
    this.#ids[this.#next] = id;
    this.#next = (this.#next + 1) % KEPT;
  }

  has(id: number): boolean {
    return this.#ids !== null && this.#ids.includes(id);
  }
}
