/**
 * What clusters and listeners say of HTTP/1.1 and HTTP/2: which of them is spoken, how many streams a connection carries
 * and how much a stream may send ahead. One place, so that the two ends of the hop between sidecars agree.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import type { Http2ProtocolOptionsSchema } from '../../protos/gen/envoy/config/core/v3/protocol_pb.ts';
import {
  HttpProtocolOptionsSchema,
  type HttpProtocolOptions_ExplicitHttpConfigSchema,
} from '../../protos/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts';
import { durationOf, pack } from './resource.ts';

type Http2Init = MessageInitShape<typeof Http2ProtocolOptionsSchema>;
type TypedOptions = { [name: string]: Any };

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** Below the keep-alive of common servers, so that the pool closes first. */
const POOL_IDLE_TIMEOUT = durationOf(15_000);

/**
 * As many streams as the default circuit limit lets through, so that one connection carries a whole hop. A connection's
 * window is that of 256 streams: a few readers that stall must not stop the others on the connection that they share.
 */
const HTTP2 = {
  maxConcurrentStreams: 1024,
  initialStreamWindowSize: 64 * 1024,
  initialConnectionWindowSize: 16 * 1024 * 1024,
  // RFC 8441: WebSocket is an extended CONNECT here.
  allowConnect: true,
} satisfies Http2Init;

/** A peer that vanished without a word is found out within 40 s, though its streams may be silent for hours. */
const KEEP_ALIVE = { interval: durationOf(30_000), timeout: durationOf(10_000) };

/** Of a connection manager. */
export const HTTP2_SERVER: Http2Init = HTTP2;

export function http1Options(): TypedOptions {
  return upstream({ case: 'httpProtocolOptions', value: {} });
}

/** Towards an application: it is not pinged, because gRPC servers close on callers that ping often (gRFC A8). */
export function http2Options(): TypedOptions {
  return upstream({ case: 'http2ProtocolOptions', value: HTTP2 });
}

/** Towards another sidecar. */
export function innerHopOptions(): TypedOptions {
  return upstream({ case: 'http2ProtocolOptions', value: { ...HTTP2, connectionKeepalive: KEEP_ALIVE } });
}

type ProtocolConfig = MessageInitShape<typeof HttpProtocolOptions_ExplicitHttpConfigSchema>['protocolConfig'];

function upstream(protocolConfig: NonNullable<ProtocolConfig>): TypedOptions {
  const options = pack(HttpProtocolOptionsSchema, {
    commonHttpProtocolOptions: { idleTimeout: POOL_IDLE_TIMEOUT },
    upstreamProtocolOptions: { case: 'explicitHttpConfig', value: { protocolConfig } },
  });
  return { [HTTP_OPTIONS]: options };
}
