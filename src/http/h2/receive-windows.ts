/**
 * What the peer may send: the connection's window, every stream's, and their growth. The connection gets its credit back
 * when content arrives, a stream when its reader has taken it: so streams whose readers stand still hold up nobody else,
 * and what they hold is bounded by their windows. When much is held, those shrink, so that as many streams as may be open
 * can stand still and the others go on. Where credit is used up within a round trip, windows are what slows the peer
 * down, so they grow: a PING measures the trip, and what arrived meanwhile is the bandwidth-delay product.
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

/** Credit of the connection is given in pieces of this at least. */
const MIN_CREDIT = 16_384;

/** Shares of `maxHeldBytes`. When so much is held, windows shrink; below the other they are as before. */
const TIGHT = 1 / 4;
const RELAXED = 1 / 8;
/** What all streams together may have beyond the window that every stream has. */
const EXTRA = 1 / 4;
/** So much is left for as many streams as may be open, each with a shrunken window. */
const RESERVED = 1 / 2;

export class ReceiveWindows {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #limits: Http2Limits;
  /** What every stream has, as our last SETTINGS said. */
  streamBytes: number;
  /** By so much our SETTINGS have shrunk it and the peer has not acknowledged that. */
  #unacknowledged = 0;
  /** What a stream gets that uses it. */
  #grownBytes: number;
  #extraLeft: number;
  /** The connection's size now. */
  #connectionBytes: number;
  /** What the peer may still send. */
  #window: number;
  /** What came and was not taken. */
  #held = 0;
  #isTight = false;
  #isStopped = false;
  #isProbing = false;
  /** Content has come since the last answer to a probe. */
  #isSentTo = false;
  #probedBytes = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #pausedUntil = 0;

  constructor(connection: Connection, clock: Clock, limits: Http2Limits) {
    this.#connection = connection;
    this.#clock = clock;
    this.#limits = limits;
    this.streamBytes = limits.streamWindowBytes;
    this.#grownBytes = limits.streamWindowBytes;
    this.#extraLeft = limits.maxHeldBytes * EXTRA;
    this.#connectionBytes = Math.max(limits.connectionWindowBytes, DEFAULT_WINDOW);
    this.#window = DEFAULT_WINDOW;
  }

  /** What a stream may send that opens now: the peer may not have heard of the last change yet. */
  get openBytes(): number {
    return this.streamBytes + this.#unacknowledged;
  }

  /** After our SETTINGS: the connection's window has no setting (RFC 9113 section 6.9.2). */
  start(): void {
    const more = this.#connectionBytes - this.#window;
    if (more > 0) writeWindowUpdate(this.#connection, 0, more);
    this.#window += Math.max(0, more);
  }

  /** DATA arrived. False: more than the peer was allowed. */
  take(bytes: number): boolean {
    this.#isSentTo = true;
    this.#window -= bytes;
    this.#held += bytes;
    if (this.#isProbing) this.#probedBytes += bytes;
    if (this.#window < 0) return false;
    this.#credit();
    return true;
  }

  /** Bytes were taken off our hands. */
  give(bytes: number): void {
    this.#held -= bytes;
    this.#credit();
  }

  /** Whether the window of all streams should change: `resize` does it. */
  get wantsResize(): boolean {
    const { maxHeldBytes } = this.#limits;
    return this.#isTight ? this.#held <= maxHeldBytes * RELAXED : this.#held >= maxHeldBytes * TIGHT;
  }

  /** Tells the peer. Returns the change, for every stream: a gain counts at once, a loss (`resized`) when it is acknowledged. */
  resize(): number {
    const { streamWindowBytes, maxHeldBytes, maxConcurrentStreams } = this.#limits;
    this.#isTight = !this.#isTight;
    const fair = Math.floor((maxHeldBytes * RESERVED) / maxConcurrentStreams);
    const size = this.#isTight ? Math.min(streamWindowBytes, Math.max(fair, 1)) : streamWindowBytes;
    const change = size - this.streamBytes;
    if (change === 0) return 0;
    this.streamBytes = size;
    if (change < 0) this.#unacknowledged -= change;
    writeSettings(this.#connection, [[SETTING.initialWindowSize, size]]);
    return change;
  }

  /** The peer has acknowledged that windows shrank by so much. */
  resized(change: number): void {
    this.#unacknowledged += change;
  }

  /** The connection is over: no more credit for anybody. */
  stop(): void {
    this.#isStopped = true;
  }

  /** By how much a stream that got `credit` bytes back and has `extra` beyond its window should have more, or less. */
  changeOfExtra(extra: number, credit: number): number {
    const wanted = this.#isTight ? 0 : Math.max(0, this.#grownBytes - this.streamBytes);
    const change = Math.min(Math.max(wanted - extra, -credit), this.#extraLeft);
    this.#extraLeft -= change;
    return change;
  }

  /** A stream is over. */
  returnExtra(extra: number): void {
    this.#extraLeft += extra;
  }

  /** Whether an answer to our question is on its way. */
  get probing(): boolean {
    return this.#isProbing;
  }

  /**
   * A stream got half its window back: asks whether that is too small. Only of a peer that has sent content since it answered
   * last: gRPC servers end a connection over a few PINGs between which they sent nothing (`too_many_pings`).
   */
  probe(): void {
    if (!this.#isSentTo || this.#isProbing || this.#grownBytes >= this.#limits.maxStreamWindowBytes) return;
    if (this.#clock.now() < this.#pausedUntil) return;
    this.#isProbing = true;
    this.#probedBytes = 0;
    writePing(this.#connection, 0, PROBE, 0);
  }

  /** The answer to our probe: streams grow when they are given credit the next time. */
  probed(): void {
    if (!this.#isProbing) return;
    this.#isProbing = this.#isSentTo = false;
    // Less than two thirds of a window in a round trip: the window is not what held the peer back.
    if (this.#probedBytes * 3 < this.#grownBytes * 2) {
      this.#pausedUntil = this.#clock.now() + this.#pauseMs;
      this.#pauseMs = Math.min(this.#pauseMs * 2, MAX_PAUSE_MS);
      return;
    }
    this.#pauseMs = FIRST_PAUSE_MS;
    const { maxStreamWindowBytes, maxConnectionWindowBytes } = this.#limits;
    this.#grownBytes = Math.min(Math.max(this.#grownBytes, this.#probedBytes) * 2, maxStreamWindowBytes);
    // So that four streams may have theirs full.
    const wanted = Math.min(this.#grownBytes * 4, maxConnectionWindowBytes);
    this.#connectionBytes = Math.max(this.#connectionBytes, wanted);
    this.#credit();
  }

  /** Window and what is held are never more than may be held, together. In pieces that are worth a frame. */
  #credit(): void {
    const window = this.#window;
    const credit = Math.min(this.#connectionBytes, this.#limits.maxHeldBytes - this.#held) - window;
    if (credit < window || credit < MIN_CREDIT || this.#isStopped) return;
    this.#window += credit;
    writeWindowUpdate(this.#connection, 0, credit);
  }
}
