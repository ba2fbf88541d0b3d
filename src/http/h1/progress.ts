/**
 * Whether the client of an exchange in flight moves: asked now and then from outside, so that a request pays no timer
 * for it. A client that takes nothing of its response, or sends its request in crumbs, holds what others could use.
 */
import type { Connection } from '../../core/runtime.ts';
import type { ServerStream } from './server-stream.ts';

/** What `onLimit` is told. */
export const LIMIT = { stalled: 'h1.stalled_response', trickle: 'h1.trickling_request' } as const;
export type LimitName = (typeof LIMIT)[keyof typeof LIMIT];

export class Progress {
  #stream: ServerStream | null = null;
  /** At the last look: taken from the client, and credit given; what waited for it; written to it. */
  #moves = 0;
  #backlog = 0;
  #written = 0;

  /** The bound that fired: less than `minBytes` since the last look at the same exchange. */
  look(stream: ServerStream | null, connection: Connection, minBytes: number): LimitName | null {
    const isKnown = stream === this.#stream;
    this.#stream = stream;
    const { backlog } = connection;
    // Without an exchange the end of the last response may still wait.
    const moves = stream === null ? 0 : stream.moves;
    const written = stream === null ? 0 : stream.written;
    const taken = written - this.#written + this.#backlog - backlog;
    const isStalled = isKnown && backlog > 0 && this.#backlog > 0 && taken < minBytes;
    const isSlow = isKnown && stream?.awaitsContent === true && moves - this.#moves < minBytes;
    this.#moves = moves;
    this.#backlog = backlog;
    this.#written = written;
    return isStalled ? LIMIT.stalled : isSlow ? LIMIT.trickle : null;
  }
}
