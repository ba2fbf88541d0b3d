/**
 * A set of names that is empty most of the time, as what is due to a client is: empty it costs a pointer. A server has
 * three of them for each type of each stream.
 */
const NONE: readonly string[] = [];

export class SparseNames implements Iterable<string> {
  #names: Set<string> | null = null;

  get size(): number {
    return this.#names === null ? 0 : this.#names.size;
  }

  has(name: string): boolean {
    return this.#names !== null && this.#names.has(name);
  }

  add(name: string): void {
    this.#names ??= new Set();
    this.#names.add(name);
  }

  delete(name: string): void {
    const names = this.#names;
    if (names !== null && names.delete(name) && names.size === 0) this.#names = null;
  }

  clear(): void {
    this.#names = null;
  }

  [Symbol.iterator](): Iterator<string> {
    return (this.#names ?? NONE)[Symbol.iterator]();
  }
}
