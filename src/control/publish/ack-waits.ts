/** Waiting until every proxy that is connected has confirmed something: how a drain knows that nobody calls any more. */
import { CallbackTimer, type Timers } from '../../core/timer-wheel.ts';
import type { ProxyStream } from './proxy-stream.ts';

interface Wait {
  readonly isDone: (stream: ProxyStream) => boolean;
  /** Those that have not confirmed. */
  readonly missing: Set<ProxyStream>;
  readonly timer: CallbackTimer;
  readonly resolve: (confirmed: boolean) => void;
}

export class AckWaits {
  readonly #timers: Timers;
  readonly #waits = new Set<Wait>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** True when every stream is done or gone; false after `timeoutMs`. Streams that come later do not count. */
  wait(streams: Iterable<ProxyStream>, isDone: (stream: ProxyStream) => boolean, timeoutMs: number): Promise<boolean> {
    const missing = new Set([...streams].filter((stream) => !isDone(stream)));
    if (missing.size === 0) return Promise.resolve(true);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = new CallbackTimer(() => this.#end(wait, false));
    const wait: Wait = { isDone, missing, timer, resolve };
    this.#waits.add(wait);
    this.#timers.arm(timer, timeoutMs);
    return promise;
  }

  /** Something changed on this stream. */
  onProgress(stream: ProxyStream): void {
    for (const wait of this.#waits) {
      if (wait.missing.has(stream) && wait.isDone(stream)) this.#confirm(wait, stream);
    }
  }

  onGone(stream: ProxyStream): void {
    for (const wait of this.#waits) this.#confirm(wait, stream);
  }

  #confirm(wait: Wait, stream: ProxyStream): void {
    if (wait.missing.delete(stream) && wait.missing.size === 0) this.#end(wait, true);
  }

  #end(wait: Wait, confirmed: boolean): void {
    if (!this.#waits.delete(wait)) return;
    this.#timers.disarm(wait.timer);
    wait.resolve(confirmed);
  }
}
