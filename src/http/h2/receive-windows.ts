/**
 * What the peer may send: the connection's window, the size of every stream's, and their growth. Credit goes back when
 * half a window has been released. Where that happens within a round trip, windows are what slows the peer down, so
 * they double: a PING measures the trip, and what arrived meanwhile is the bandwidth-delay product.
 */
import type { Clock, Connection } from '../../core/runtime.ts';
import { DEFAULT_WINDOW } from './frame.ts';
import type { Http2Limits } from './limits.ts';
import { SETTING, writeSettings } from './settings.ts';
import { writePing, writeWindowUpdate } from './write-frame.ts';

/** Recognised when it comes back. */
export const PROBE: Uint8Array = Buffer.from('weft bdp', 'latin1');

/** A measurement that brought nothing makes the next one wait, twice as long each time. */
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 10_000;

export class ReceiveWindows {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #limits: Http2Limits;
  /** A stream's size now, as our last SETTINGS said. */
  streamBytes: number;
  /** The connection's size now. */
  #connectionBytes: number;
  /** What the peer may still send. */
  #window: number;
  /** Released and not yet told. */
  #credit = 0;
  #isStopped = false;
  #isProbing = false;
  #probedBytes = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #pausedUntil = 0;

  constructor(connection: Connection, clock: Clock, limits: Http2Limits) {
    this.#connection = connection;
    this.#clock = clock;
    this.#limits = limits;
    this.streamBytes = limits.streamWindowBytes;
    this.#connectionBytes = Math.max(limits.connectionWindowBytes, DEFAULT_WINDOW);
    this.#window = DEFAULT_WINDOW;
  }

  /** After our SETTINGS: the connection's window has no setting (RFC 9113 section 6.9.2). */
  start(): void {
    const more = this.#connectionBytes - this.#window;
    if (more > 0) writeWindowUpdate(this.#connection, 0, more);
    this.#window += Math.max(0, more);
  }

  /** DATA arrived. False: more than the peer was allowed. */
  take(bytes: number): boolean {
    this.#window -= bytes;
    if (this.#isProbing) this.#probedBytes += bytes;
    return this.#window >= 0;
  }

  /** Bytes were taken off our hands. */
  give(bytes: number): void {
    this.#credit += bytes;
    if (this.#credit * 2 < this.#connectionBytes || this.#isStopped) return;
    const credit = this.#credit;
    this.#credit = 0;
    this.#window += credit;
    writeWindowUpdate(this.#connection, 0, credit);
  }

  /** The connection is over: no more credit for anybody. */
  stop(): void {
    this.#isStopped = true;
  }

  /** A stream got half its window back: asks whether that is too small. */
  probe(): void {
    if (this.#isProbing || this.streamBytes >= this.#limits.maxStreamWindowBytes) return;
    if (this.#clock.now() < this.#pausedUntil) return;
    this.#isProbing = true;
    this.#probedBytes = 0;
    writePing(this.#connection, 0, PROBE, 0);
  }

  /** The answer to our probe. Returns by how much every stream's window has grown. */
  probed(): number {
    if (!this.#isProbing) return 0;
    this.#isProbing = false;
    // Less than two thirds of a window in a round trip: the window is not what held the peer back.
    if (this.#probedBytes * 3 < this.streamBytes * 2) {
      this.#pausedUntil = this.#clock.now() + this.#pauseMs;
      this.#pauseMs = Math.min(this.#pauseMs * 2, MAX_PAUSE_MS);
      return 0;
    }
    this.#pauseMs = FIRST_PAUSE_MS;
    const size = Math.min(Math.max(this.streamBytes, this.#probedBytes) * 2, this.#limits.maxStreamWindowBytes);
    const more = size - this.streamBytes;
    this.streamBytes = size;
    writeSettings(this.#connection, [[SETTING.initialWindowSize, size]]);
    this.#growConnection();
    return more;
  }

  /** So that four streams may have theirs full, up to the bound. */
  #growConnection(): void {
    const wanted = Math.min(this.streamBytes * 4, this.#limits.maxConnectionWindowBytes);
    const more = wanted - this.#connectionBytes;
    if (more <= 0) return;
    this.#connectionBytes = wanted;
    this.#window += more;
    writeWindowUpdate(this.#connection, 0, more);
  }
}
