/** That the workload was asked to end, and how urgently: the first signal ends it in order, the second at once, the third by force. */
import { constants } from 'node:os';

export type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGQUIT';

export class StopRequest {
  readonly #first = Promise.withResolvers<StopSignal>();
  readonly #again = Promise.withResolvers<void>();
  readonly #force = Promise.withResolvers<void>();
  #count = 0;
  #signal: StopSignal | null = null;

  stop(signal: StopSignal): void {
    this.#count += 1;
    this.#signal ??= signal;
    if (this.#count === 1) this.#first.resolve(signal);
    else if (this.#count === 2) this.#again.resolve();
    else this.#force.resolve();
  }

  /** The first signal; null while there is none. */
  get signal(): StopSignal | null {
    return this.#signal;
  }

  get requested(): Promise<StopSignal> {
    return this.#first.promise;
  }

  /** Asked a second time: somebody does not want to wait. */
  get hurried(): Promise<void> {
    return this.#again.promise;
  }

  get forced(): Promise<void> {
    return this.#force.promise;
  }
}

/** As a shell tells the end by a signal. */
export function signalExitCode(signal: StopSignal): number {
  return 128 + constants.signals[signal];
}
