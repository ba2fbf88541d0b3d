/** Bounds of the HTTP/2 connections that carry RPC: few streams, which stay, and messages that may be large. */
import { DEFAULT_HTTP2_LIMITS, type Http2Limits } from '../../http/h2/limits.ts';

export const CALL_LIMITS: Http2Limits = {
  ...DEFAULT_HTTP2_LIMITS,
  // A push of configuration fills it before it waits for a round trip.
  streamWindowBytes: 2 ** 20,
  maxHeadBytes: 16_384,
  // A connection has a head each way for as long as it lives: nothing will be said twice.
  maxTableBytes: 0,
  idleTimeoutMs: 0,
  // gRPC servers commonly refuse pings that come more often than every 15 s to 5 min; a dead peer is seen within 40 s.
  keepAliveIntervalMs: 30_000,
  keepAliveTimeoutMs: 10_000,
};

export const MESH_LIMITS: Http2Limits = {
  ...CALL_LIMITS,
  // Of the control plane: Envoy without ADS has a stream for each resource on one connection, and waits for all of them.
  maxConcurrentStreams: 1_000,
  // Streams are bounded by proxy; what has none would hold a place that others need.
  idleTimeoutMs: 60_000,
};

/** A peer on the same machine whose process ends is seen to end: it needs no pings. */
export const LOCAL_LIMITS: Http2Limits = {
  ...CALL_LIMITS,
  maxConcurrentStreams: 64,
  keepAliveIntervalMs: 0,
  anyAuthority: true,
};
