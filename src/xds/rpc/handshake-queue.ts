/**
 * Whose TLS handshake begins now and whose waits. A handshake is half a millisecond of signing and agreeing on keys on
 * the event loop: when a thousand proxies come back at once, streams that are open must be served between them. Nobody
 * waits for anybody's answer, or clients that begin and fall silent would keep the others out.
 */
import type { Counter, Gauge } from '../../core/counters.ts';

export interface HandshakeQueueParts {
  /** Of the runtime. */
  readonly endOfTurn: (run: () => void) => void;
  /** Unset: counted for nobody. */
  readonly metrics?: HandshakeMetrics;
}

export interface HandshakeMetrics {
  /** How many wait. */
  readonly waiting: Gauge;
  /** How many ever had to. */
  readonly waited: Counter;
}

export interface Handshake {
  begin(): void;
}

/** In one turn of the event loop, which they make about five milliseconds longer. */
const MAX_BEGUN_IN_TURN = 8;

export class HandshakeQueue {
  readonly #parts: HandshakeQueueParts;
  /** In order of arrival. */
  readonly #waiting = new Set<Handshake>();
  readonly #turnEnds = (): void => this.#nextTurn();
  #begunInTurn = 0;

  constructor(parts: HandshakeQueueParts) {
    this.#parts = parts;
  }

  /** Begins it now or later. */
  enter(one: Handshake): void {
    this.#waiting.add(one);
    this.#begin();
    if (this.#waiting.has(one)) this.#parts.metrics?.waited.add(1);
  }

  /** It is gone, perhaps before its turn. */
  leave(one: Handshake): void {
    if (this.#waiting.delete(one)) this.#parts.metrics?.waiting.set(this.#waiting.size);
  }

  #nextTurn(): void {
    this.#begunInTurn = 0;
    this.#begin();
  }

  #begin(): void {
    for (const one of this.#waiting) {
      if (this.#begunInTurn === MAX_BEGUN_IN_TURN) break;
      if (this.#begunInTurn++ === 0) this.#parts.endOfTurn(this.#turnEnds);
      this.#waiting.delete(one);
      one.begin();
    }
    this.#parts.metrics?.waiting.set(this.#waiting.size);
  }
}
