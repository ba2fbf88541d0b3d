/**
 * Access-log lines on their way to a file: written into one 256 KiB buffer and appended when it is full or a second
 * old: a trip to the file system costs what some dozens of lines do.
 * Bounded: when the disk is slower than the traffic, lines are dropped and counted, and no request waits.
 */
import type { Counter } from '../../core/counters.ts';
import type { Log } from '../../core/log.ts';
import { messageOf } from '../../core/errors.ts';
import type { Files } from '../../core/runtime.ts';
import { Timer, type Timers } from '../../core/timer-wheel.ts';

/** Untouched pages of it take no memory. */
const BUFFER_BYTES = 262_144;
const FLUSH_MS = 1_000;

export class LogBuffer extends Timer {
  /** Written by the line's author between `begin` and `commit`. */
  bytes: Buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #spare: Buffer | null = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #used = 0;
  #writing: Promise<void> | null = null;
  readonly #files: Files;
  readonly #path: string;
  readonly #timers: Timers;
  readonly #dropped: Counter;
  readonly #log: Log;
  readonly #mode: number;

  /** `mode` of a file that is made. */
  constructor(files: Files, path: string, timers: Timers, dropped: Counter, log: Log, mode: number) {
    super();
    this.#files = files;
    this.#path = path;
    this.#timers = timers;
    this.#dropped = dropped;
    this.#log = log;
    this.#mode = mode;
  }

  /** Nothing waits and nothing is being written. */
  get isEmpty(): boolean {
    return this.#used === 0 && this.#spare !== null;
  }

  /** Offset in `bytes` at which a line of at most `maxBytes` may be written, or -1: this line is dropped. */
  begin(maxBytes: number): number {
    if (this.#used + maxBytes > BUFFER_BYTES) this.#flush();
    if (this.#used + maxBytes <= BUFFER_BYTES) return this.#used;
    this.#dropped.add(1);
    return -1;
  }

  commit(end: number): void {
    this.#used = end;
    if (!this.armed) this.#timers.arm(this, FLUSH_MS);
  }

  override fire(): void {
    this.#flush();
    if (this.#used > 0) this.#timers.arm(this, FLUSH_MS);
  }

  /** Writes what is there; resolves when it is with the file system. */
  async close(): Promise<void> {
    this.#timers.disarm(this);
    await this.#writing;
    this.#flush();
    await this.#writing;
  }

  #flush(): void {
    const spare = this.#spare;
    if (this.#used === 0 || spare === null) return;
    const full = this.bytes;
    this.bytes = spare;
    this.#spare = null;
    const used = this.#used;
    this.#used = 0;
    this.#writing = this.#files
      .append(this.#path, full.subarray(0, used), this.#mode)
      .catch((error: unknown) =>
        this.#log.warn('access log not written', { path: this.#path, error: messageOf(error) }),
      )
      .then(() => {
        this.#spare = full;
      });
  }
}
