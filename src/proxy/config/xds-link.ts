/** What asks one server: a stream, or a poll that comes again and again. */
import type { Clock, Random } from '../../core/runtime.ts';
import type { Log } from '../../core/log.ts';
import type { Timers } from '../../core/timer-wheel.ts';
import type { XdsChannel } from './xds-sources.ts';

export interface XdsLinkOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
  readonly log: Log;
  readonly channel: XdsChannel;
  /** After each message that was taken in. */
  readonly onMessage: () => void;
  /** An attempt failed, or a stream ended. */
  readonly onDown: () => void;
}

export interface XdsLink {
  /** The server has answered on the stream that is open now, or at the last poll. */
  readonly connected: boolean;
  /** Seconds since it was last in contact; 0 while it is. */
  readonly staleSeconds: number;
  /** Begins, or begins anew. */
  open(): void;
  /** Sends what there is to say now. */
  flush(): void;
  close(): void;
}
