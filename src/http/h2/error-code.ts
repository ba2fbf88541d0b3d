/** Error codes of RFC 9113 section 7, and what they mean as the reason why a stream ended. */
import { RESET, type ResetReason } from '../message.ts';

export const ERROR = {
  none: 0,
  protocol: 1,
  internal: 2,
  flowControl: 3,
  settingsTimeout: 4,
  streamClosed: 5,
  frameSize: 6,
  refusedStream: 7,
  cancel: 8,
  compression: 9,
  connect: 10,
  enhanceYourCalm: 11,
  inadequateSecurity: 12,
  http11Required: 13,
} as const;

/** The code that tells the peer why this end resets a stream. */
export function codeOf(reason: ResetReason): number {
  switch (reason) {
    case RESET.refused:
      return ERROR.refusedStream;
    case RESET.protocol:
      return ERROR.protocol;
    case RESET.limit:
      return ERROR.enhanceYourCalm;
    // What happened behind this proxy is an error of this proxy to whoever stands before it.
    case RESET.connection:
    case RESET.connect:
    case RESET.stale:
    case RESET.aborted:
      return ERROR.internal;
    default:
      return ERROR.cancel;
  }
}

/**
 * Why a stream that the peer reset has ended. Only REFUSED_STREAM promises that nothing was processed (section 8.7).
 */
export function reasonOf(code: number, isServer: boolean): ResetReason {
  switch (code) {
    case ERROR.refusedStream:
      return RESET.refused;
    case ERROR.enhanceYourCalm:
      return RESET.limit;
    case ERROR.protocol:
    case ERROR.flowControl:
    case ERROR.frameSize:
    case ERROR.compression:
    case ERROR.streamClosed:
      return RESET.protocol;
    default:
      return isServer ? RESET.cancelled : RESET.aborted;
  }
}
