/** `connection` → connect timeout, HttpProtocolOptions. Without a policy these are the defaults of every cluster. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import type { Http2ProtocolOptionsSchema } from '../../../protos/gen/envoy/config/core/v3/protocol_pb.ts';
import {
  HttpProtocolOptionsSchema,
  type HttpProtocolOptions_ExplicitHttpConfigSchema,
} from '../../../protos/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts';
import { durationOf, pack } from '../../../protos/init.ts';
import type { BackendTrafficSpec } from '../kind.ts';
import { durationFrom, millisecondsOf } from './values.ts';

type Connection = NonNullable<BackendTrafficSpec['connection']>;
type TypedOptions = { [name: string]: Any };

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

export function connectTimeout(section: Connection = {}): ReturnType<typeof durationFrom> {
  return durationFrom(section.connectTimeout, '5s');
}

/**
 * As many streams as the default limit of requests, so that one connection carries a whole hop. A connection's window is
 * that of 256 streams: a few readers that stall must not stop the others on the connection that they share.
 */
export function http2Settings(http2: Connection['http2'] = {}) {
  return {
    maxConcurrentStreams: http2.maxConcurrentStreams ?? 1024,
    initialStreamWindowSize: http2.streamWindowBytes ?? 64 * 1024,
    initialConnectionWindowSize: http2.connectionWindowBytes ?? 16 * 1024 * 1024,
    // RFC 8441: WebSocket is an extended CONNECT here.
    allowConnect: true,
  } satisfies MessageInitShape<typeof Http2ProtocolOptionsSchema>;
}

/** To an application of HTTP/1.1, which cannot be multiplexed. */
export function http1Options(section: Connection = {}): TypedOptions {
  return upstream(section, { case: 'httpProtocolOptions', value: {} });
}

/** To an application: it is not pinged, because gRPC servers close on callers that ping often (gRFC A8). */
export function http2Options(section: Connection = {}): TypedOptions {
  return upstream(section, { case: 'http2ProtocolOptions', value: http2Settings(section.http2) });
}

/** Servers of gRPC end a connection whose caller pings more often than every five minutes while nothing is sent (gRFC A8). */
const GRPC_SERVERS_BEAR = '330s';

/** To another sidecar, or to a gRPC server without one. A peer that vanished without a word is found out, though its streams may be silent for hours. */
export function innerHopOptions(section: Connection = {}, proxyless = false): TypedOptions {
  const { interval, timeout } = section.http2?.keepAlive ?? {};
  const unset = proxyless ? GRPC_SERVERS_BEAR : '30s';
  const connectionKeepalive = { interval: durationFrom(interval, unset), timeout: durationFrom(timeout, '10s') };
  const value = { ...http2Settings(section.http2), connectionKeepalive };
  return upstream(section, { case: 'http2ProtocolOptions', value });
}

type ProtocolConfig = MessageInitShape<typeof HttpProtocolOptions_ExplicitHttpConfigSchema>['protocolConfig'];

function upstream(section: Connection, protocolConfig: NonNullable<ProtocolConfig>): TypedOptions {
  const maxRequests = section.maxRequests ?? 0;
  const maxAgeMs = millisecondsOf(section.maxAge, '0s');
  const options = pack(HttpProtocolOptionsSchema, {
    commonHttpProtocolOptions: {
      // Below the keep-alive of common servers, so that the pool closes first.
      idleTimeout: durationFrom(section.idleTimeout, '15s'),
      ...(maxRequests > 0 ? { maxRequestsPerConnection: maxRequests } : {}),
      ...(maxAgeMs > 0 ? { maxConnectionDuration: durationOf(maxAgeMs) } : {}),
    },
    upstreamProtocolOptions: { case: 'explicitHttpConfig', value: { protocolConfig } },
  });
  return { [HTTP_OPTIONS]: options };
}
