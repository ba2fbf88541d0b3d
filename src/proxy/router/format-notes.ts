/** What only formats ask of an exchange. Kept where its manager or its route has one; no other exchange pays for it. */
import type { ConnectionInfo } from '../../core/runtime.ts';
import type { Head } from '../../http/head.ts';

export class FormatNotes {
  /** Where the target stood in the head before a route rewrote it: a head that grows keeps its first bytes. */
  readonly pathStart: number;
  readonly pathEnd: number;
  /** On the clock of `startedAt`; negative: not yet. */
  requestEndedAt = -1;
  respondedAt = -1;
  /** Of our own answer, while it is made. One character a byte. */
  replyBody = '';
  /** To the endpoint of the try that serves, or of the last. */
  upstream: ConnectionInfo | null = null;
  /** Of the response. */
  trailers: Head | null = null;

  constructor(request: Head) {
    this.pathStart = request.pathStart;
    this.pathEnd = request.pathEnd;
  }
}
