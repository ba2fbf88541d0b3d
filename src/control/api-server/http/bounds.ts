/** Every bound of the server in one place. Nothing that a caller sends or asks for is unlimited. */
export interface Bounds {
  /** Open connections; more are closed at once. */
  readonly maxConnections: number;
  /** Open watches; more get 429. */
  readonly maxWatches: number;
  /** Of a request's head. */
  readonly maxHeadBytes: number;
  /** Of a body that the admin sends. */
  readonly maxBodyBytes: number;
  /** Of a body that a workload sends, of YAML (which is slow to read), and of mounted routes unless they say otherwise. */
  readonly maxSmallBodyBytes: number;
  /** From the first byte of a connection to the end of the TLS handshake. */
  readonly handshakeTimeoutMs: number;
  /** From the first byte of a request to the end of its head. */
  readonly headTimeoutMs: number;
  /** From the first byte of a request to the end of its body. */
  readonly requestTimeoutMs: number;
  /** Of a connection between requests. */
  readonly idleTimeoutMs: number;
  /** How long a reader of an answer may not take a byte before it is cut. */
  readonly stallTimeoutMs: number;
  /** How long `close` waits for answers under way. */
  readonly closeTimeoutMs: number;
}

export const DEFAULT_BOUNDS: Bounds = {
  maxConnections: 2048,
  maxWatches: 1024,
  maxHeadBytes: 32_768,
  maxBodyBytes: 10 * 1_048_576,
  maxSmallBodyBytes: 1_048_576,
  handshakeTimeoutMs: 10_000,
  headTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  idleTimeoutMs: 65_000,
  stallTimeoutMs: 30_000,
  closeTimeoutMs: 3_000,
};

/** Of mounted routes that do not name one. */
export const ROUTE_BODY_BYTES = 65_536;
