/** Envoy's Http2ProtocolOptions → Http2Config, for both ends. */
import type { Http2ProtocolOptions } from '../../xds/tables/messages.gen.ts';
import type { Http2Config } from '../snapshot.ts';
import { invalid, within } from './problem.ts';

/** RFC 9113 section 6.9.1. */
const MAX_WINDOW = 2 ** 31 - 1;
const MIN_WINDOW = 65_535;
/** Envoy demands a timeout beside an interval; without one a lost peer would never be noticed. */
const KEEP_ALIVE_TIMEOUT_MS = 10_000;

export const HTTP2_DEFAULTS: Http2Config = {
  maxStreams: 0,
  streamWindowBytes: 0,
  connectionWindowBytes: 0,
  allowConnect: false,
  keepAliveIntervalMs: 0,
  keepAliveTimeoutMs: 0,
};

export function readHttp2Options(where: string, options: Http2ProtocolOptions | undefined): Http2Config {
  if (options === undefined) return HTTP2_DEFAULTS;
  return within(where, () => ({
    maxStreams: streams(options.maxConcurrentStreams),
    streamWindowBytes: windowBytes('initial_stream_window_size', options.initialStreamWindowSize),
    connectionWindowBytes: windowBytes('initial_connection_window_size', options.initialConnectionWindowSize),
    allowConnect: options.allowConnect,
    keepAliveIntervalMs: options.connectionKeepalive?.interval ?? 0,
    keepAliveTimeoutMs: options.connectionKeepalive?.timeout ?? KEEP_ALIVE_TIMEOUT_MS,
  }));
}

function streams(value: number | undefined): number {
  if (value !== undefined && (value < 1 || value > MAX_WINDOW))
    throw invalid('max_concurrent_streams', `must be 1 to ${MAX_WINDOW}`);
  return value ?? 0;
}

/** Envoy's bounds of both windows. */
function windowBytes(field: string, value: number | undefined): number {
  if (value !== undefined && (value < MIN_WINDOW || value > MAX_WINDOW)) {
    throw invalid(field, `must be ${MIN_WINDOW} to ${MAX_WINDOW}`);
  }
  return value ?? 0;
}
