/** Bounds of one HTTP/1.1 connection. Every one of them fires as a refusal with a name, never as silence. */
export interface Http1Limits {
  /** Start line, fields and the empty line. Default 60 KiB, as Envoy's `max_request_headers_kb`. */
  readonly maxHeadBytes: number;
  /** Default 100. */
  readonly maxFields: number;
  /** Default 8 KiB; `maxFields` holds for trailers too. */
  readonly maxTrailerBytes: number;
  /** Of content that nobody listens to any more, before the connection is closed instead. Default 256 KiB. */
  readonly maxDiscardBytes: number;
  /** From the first byte of a head to its last, and from accept to the first byte. 0: unbounded. Default 60 s. */
  readonly headTimeoutMs: number;
  /** Between exchanges. 0: unbounded. Default 1 h. */
  readonly idleTimeoutMs: number;
  /**
   * After FIN behind a whole request, how long the response may stand still before the client counts as gone. 0: gone at
   * once. A client that announced its last request (HTTP/1.0, `Connection: close`) is waited for. Default 1 s: answers come
   * within it, and work for clients that left ends soon.
   */
  readonly halfClosedMs: number;
  /**
   * An exchange whose client takes less than `minProgressBytes` of a response that waits for it in this time is ended, and
   * so is one of whose request less than that comes, though it may, and which is no conversation (`server-stream.ts`).
   * The owner of the connection looks that often (`Http1Server.look`). Default 60 s and 1 KiB, as over HTTP/2.
   */
  readonly stallTimeoutMs: number;
  readonly minProgressBytes: number;
  /** How long a closing connection is read from, so that the peer gets the last response and not a RST. Default 2 s. */
  readonly lingerMs: number;
}

export const DEFAULT_HTTP1_LIMITS: Http1Limits = {
  maxHeadBytes: 61_440,
  maxFields: 100,
  maxTrailerBytes: 8_192,
  maxDiscardBytes: 262_144,
  headTimeoutMs: 60_000,
  idleTimeoutMs: 3_600_000,
  halfClosedMs: 1_000,
  stallTimeoutMs: 60_000,
  minProgressBytes: 1_024,
  lingerMs: 2_000,
};
