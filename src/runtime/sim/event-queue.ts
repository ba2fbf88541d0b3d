/**
 * Virtual time: a heap of events, a clock that jumps from one to the next, and a running hash of all that happened, so
 * that two runs of one seed can be compared by one number.
 */

interface Event {
  readonly at: number;
  readonly order: number;
  run: (() => void) | null;
}

export class EventQueue {
  now = 0;
  /** How many events ran. */
  ran = 0;
  readonly #heap: Event[] = [];
  #order = 0;
  #hashHigh = 0x811c9dc5;
  #hashLow = 0x1000193;

  /** Runs `run` once, `delayMs` from now; events of one instant run in the order in which they were asked for. */
  after(delayMs: number, run: () => void): () => void {
    const event: Event = { at: this.now + Math.max(0, delayMs), order: this.#order++, run };
    this.#push(event);
    return () => {
      event.run = null;
    };
  }

  /** The time of the next event; Infinity when there is none. */
  get nextAt(): number {
    this.#dropCancelled();
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Moves the clock to the next event and runs it. False when there is none. */
  step(): boolean {
    this.#dropCancelled();
    const event = this.#pop();
    if (event === undefined) return false;
    this.now = event.at;
    this.ran++;
    this.note(Math.round(event.at * 1000), event.order);
    event.run?.();
    return true;
  }

  /** Mixes facts into the hash: what was delivered, to whom. */
  note(first: number, second: number): void {
    this.#hashHigh = Math.imul(this.#hashHigh ^ (first | 0), 0x85ebca6b) ^ (this.#hashLow >>> 13);
    this.#hashLow = Math.imul(this.#hashLow ^ (second | 0), 0xc2b2ae35) ^ (this.#hashHigh >>> 16);
  }

  get hash(): string {
    const part = (word: number): string => (word >>> 0).toString(16).padStart(8, '0');
    return part(this.#hashHigh) + part(this.#hashLow);
  }

  #dropCancelled(): void {
    while (this.#heap[0] !== undefined && this.#heap[0].run === null) this.#pop();
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let i = heap.length;
    heap.push(event);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = heap[parent] as Event;
      if (before(above, event)) break;
      heap[i] = above;
      i = parent;
    }
    heap[i] = event;
  }

  #pop(): Event | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Event, heap[child] as Event)) child++;
      const below = heap[child] as Event;
      if (before(last, below)) break;
      heap[i] = below;
      i = child;
    }
    heap[i] = last;
    return top;
  }
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
