/**
 * Holds a new connection until enough of it was seen to choose its filter chain, without consuming a byte. A client that
 * says nothing is given a moment, then the connection goes on as raw bytes: its server may be the one to speak first.
 */
import { copyOf } from '../../core/bytes.ts';
import type { Connection, ConnectionHandler } from '../../core/runtime.ts';
import { Timer, type Timers } from '../../core/timer-wheel.ts';
import { startsLikeTls } from './client-hello.ts';
import { type Detected, detect, MAX_PEEK_BYTES, RAW } from './detect.ts';

export interface PeekOwner {
  /** Takes the connection over. */
  detected(peek: Peek, found: Detected): void;
  /** The time is over and nothing is known. False: the peek waits on for a client that has been silent. */
  undetected(peek: Peek, silent: boolean): boolean;
  peekClosed(peek: Peek): void;
}

/** A client that sends nothing where something is required. */
const PATIENCE_MS = 10_000;

export class Peek extends Timer implements ConnectionHandler {
  readonly connection: Connection;
  readonly #owner: PeekOwner;
  readonly #timers: Timers;
  readonly #inspectTls: boolean;
  readonly #inspectHttp: boolean;
  #seen: Uint8Array | null = null;
  #isPatient = false;

  constructor(
    connection: Connection,
    owner: PeekOwner,
    timers: Timers,
    inspect: { readonly tls: boolean; readonly http: boolean; readonly timeoutMs: number },
  ) {
    super();
    this.connection = connection;
    this.#owner = owner;
    this.#timers = timers;
    this.#inspectTls = inspect.tls;
    this.#inspectHttp = inspect.http;
    timers.arm(this, inspect.timeoutMs > 0 ? inspect.timeoutMs : PATIENCE_MS);
  }

  cut(): void {
    this.connection.destroy('the listener is closed');
  }

  onOpen(): void {}
  onDrained(): void {}

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    const part = bytes.subarray(start, end);
    const seen = this.#seen === null ? part : Buffer.concat([this.#seen, part]);
    const found = detect(seen, this.#inspectTls, this.#inspectHttp) ?? (seen.length > MAX_PEEK_BYTES ? RAW : null);
    if (found === null) {
      this.#seen = this.#seen === null ? copyOf(part) : seen;
      return;
    }
    this.#seen = seen;
    this.#giveBack();
    this.#timers.disarm(this);
    this.#owner.detected(this, found);
  }

  /** Half-closed before it was understood: what it said may still be all that its server needs. */
  onEnd(): void {
    if (this.#seen === null) {
      this.connection.destroy('');
      return;
    }
    this.#giveBack();
    this.#timers.disarm(this);
    this.#owner.detected(this, RAW);
  }

  onClose(): void {
    this.#timers.disarm(this);
    this.#owner.peekClosed(this);
  }

  override fire(): void {
    const seen = this.#seen;
    // A client has spoken, and what it says needs all of its hello: only silence is a question of who speaks first.
    if (seen !== null && !this.#isPatient && this.#inspectTls && startsLikeTls(seen, 0, seen.length)) {
      this.#isPatient = true;
      this.#timers.arm(this, PATIENCE_MS);
      return;
    }
    const silent = seen === null && !this.#isPatient;
    this.#giveBack();
    if (this.#owner.undetected(this, silent)) return;
    this.#isPatient = true;
    this.#timers.arm(this, PATIENCE_MS);
  }

  /** Whoever takes the connection finds the bytes where they were. */
  #giveBack(): void {
    const seen = this.#seen;
    this.#seen = null;
    if (seen !== null) this.connection.unread(seen, 0, seen.length);
  }
}
