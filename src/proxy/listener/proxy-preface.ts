/**
 * A connection that is to begin with a PROXY header: holds it until the header is there, takes the header off, and gives
 * the connection the ends that it tells of. Without its header, or without one that is right, nothing of it is served.
 */
import { concatBytes, EMPTY_BYTES } from '../../core/bytes.ts';
import type { Connection, ConnectionHandler } from '../../core/runtime.ts';
import { Timer, type Timers } from '../../core/timer-wheel.ts';
import type { ProxyHeaderConfig } from '../../snapshot/snapshot.ts';
import { readProxyHeader } from './proxy-header.ts';

export interface PrefaceOwner {
  /** Takes the connection over. `isMoved`: it meant to go elsewhere than to where it was accepted. */
  done(isMoved: boolean): void;
  /** Refuses the connection. */
  wrong(why: string): void;
  closed(): void;
}

/** Where the listener says nothing of time. */
const PATIENCE_MS = 15_000;

export class ProxyPreface extends Timer implements ConnectionHandler {
  readonly connection: Connection;
  readonly #owner: PrefaceOwner;
  readonly #timers: Timers;
  readonly #config: ProxyHeaderConfig;
  /** A client that may come without a header, and is silent, is let through when the time is over. */
  readonly #mayBeSilent: boolean;
  #seen: Uint8Array = EMPTY_BYTES;

  constructor(
    connection: Connection,
    timers: Timers,
    config: ProxyHeaderConfig,
    time: { readonly limitMs: number; readonly goesOn: boolean },
    owner: PrefaceOwner,
  ) {
    super();
    this.connection = connection;
    this.#owner = owner;
    this.#timers = timers;
    this.#config = config;
    this.#mayBeSilent = config.optional && time.goesOn;
    timers.arm(this, time.limitMs > 0 ? time.limitMs : PATIENCE_MS);
  }

  cut(): void {
    this.connection.destroy('the listener is closed');
  }

  onOpen(): void {}
  onDrained(): void {}

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    const seen = concatBytes([this.#seen, bytes.subarray(start, end)]);
    this.#seen = seen;
    const read = readProxyHeader(seen, this.#config);
    switch (read.kind) {
      case 'more':
        return;
      case 'wrong':
        this.#timers.disarm(this);
        this.#owner.wrong(read.why);
        return;
      case 'none':
        this.#goOn(0, false);
        return;
      case 'header': {
        const { ends, length } = read.header;
        const { info } = this.connection;
        const { local } = info;
        if (ends !== null) {
          const { destination, source } = ends;
          const accepted = info.accepted ?? local;
          this.connection.info = { ...info, local: destination, remote: source, direct: info.remote, accepted };
        }
        const isHere = ends === null || (ends.destination.host === local.host && ends.destination.port === local.port);
        this.#goOn(length, !isHere);
      }
    }
  }

  onEnd(): void {
    this.connection.destroy('');
  }

  onClose(): void {
    this.#timers.disarm(this);
    this.#owner.closed();
  }

  override fire(): void {
    if (this.#mayBeSilent && this.#seen.length === 0) this.#goOn(0, false);
    else this.#owner.wrong('the PROXY header did not come in time');
  }

  #goOn(consumed: number, isMoved: boolean): void {
    const seen = this.#seen;
    this.#seen = EMPTY_BYTES;
    this.#timers.disarm(this);
    this.connection.unread(seen, consumed, seen.length);
    this.#owner.done(isMoved);
  }
}
