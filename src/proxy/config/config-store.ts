/**
 * The last good resources on disk, so that a sidecar that restarts while the control plane is away serves on. The file
 * is for its owner only: it tells who talks to whom.
 */
import { isWeftError, messageOf } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Files } from '../../core/runtime.ts';
import { CallbackTimer, type Timers } from '../../core/timer-wheel.ts';
import type { ReceivedResource } from '../../xds/client/received.ts';
import { decodeSavedState, encodeSavedState } from '../../xds/client/saved-state.ts';

const MODE = 0o600;
/** Changes come in bursts; the disk sees one write a burst. */
const DEBOUNCE_MS = 1_000;

export interface ConfigStoreOptions {
  readonly files: Files;
  readonly timers: Timers;
  readonly log: Log;
  /** Absolute. */
  readonly path: string;
  readonly held: () => readonly ReceivedResource[];
}

export class ConfigStore {
  readonly #options: ConfigStoreOptions;
  readonly #timer: CallbackTimer;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: ConfigStoreOptions) {
    this.#options = options;
    this.#timer = new CallbackTimer(() => this.#write());
  }

  /** Empty when there is no usable copy; why is logged, but for the first start. */
  async load(): Promise<readonly ReceivedResource[]> {
    const { files, path, log } = this.#options;
    try {
      return decodeSavedState(await files.read(path));
    } catch (error) {
      if (!isWeftError(error, 'file-not-found')) {
        log.warn('the saved configuration cannot be used', { path, error: messageOf(error) });
      }
      return [];
    }
  }

  /** Something changed: writes soon, and later changes of the same burst with it. */
  changed(): void {
    if (!this.#timer.armed) this.#options.timers.arm(this.#timer, DEBOUNCE_MS);
  }

  /** Writes what is due and resolves when the disk has it. */
  async close(): Promise<void> {
    if (this.#timer.armed) {
      this.#options.timers.disarm(this.#timer);
      this.#write();
    }
    await this.#writing;
  }

  #write(): void {
    const { files, path, log, held } = this.#options;
    const bytes = encodeSavedState(held());
    // One after the other, so that an older state never lands on a newer one.
    this.#writing = this.#writing
      .then(() => files.write(path, bytes, MODE))
      .catch((error: unknown) => {
        log.warn('the configuration cannot be saved', { path, error: messageOf(error) });
      });
  }
}
