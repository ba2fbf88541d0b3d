/** The codec's bounds with what the configuration says of them: the same for both ends. */
import { DEFAULT_HTTP2_LIMITS, type Http2Limits } from '../../http/h2/limits.ts';
import type { Http2Config } from '../../snapshot/snapshot.ts';

/** `idleTimeoutMs`: without a stream; 0: unbounded. */
export function http2Limits(config: Http2Config, idleTimeoutMs: number): Http2Limits {
  const base = DEFAULT_HTTP2_LIMITS;
  const streamWindowBytes = config.streamWindowBytes || base.streamWindowBytes;
  const connectionWindowBytes = config.connectionWindowBytes || base.connectionWindowBytes;
  const maxConnectionWindowBytes = Math.max(connectionWindowBytes, base.maxConnectionWindowBytes);
  return {
    ...base,
    maxConcurrentStreams: config.maxStreams || base.maxConcurrentStreams,
    streamWindowBytes,
    maxStreamWindowBytes: Math.max(streamWindowBytes, base.maxStreamWindowBytes),
    connectionWindowBytes,
    maxConnectionWindowBytes,
    maxHeldBytes: 2 * maxConnectionWindowBytes,
    keepAliveIntervalMs: config.keepAliveIntervalMs,
    keepAliveTimeoutMs: config.keepAliveTimeoutMs || base.keepAliveTimeoutMs,
    idleTimeoutMs,
  };
}
