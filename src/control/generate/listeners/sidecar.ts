/**
 * What a listener says to Envoy alone. Our own proxy does all of it by itself and would only carry the bytes, in every
 * listener that it has: this is the one difference between the two.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Workload } from '../../../api/kinds/workload.ts';
import type { AccessLogSchema } from '../../../protos/gen/envoy/config/accesslog/v3/accesslog_pb.ts';
import type { GrpcServiceSchema } from '../../../protos/gen/envoy/config/core/v3/grpc_service_pb.ts';
import { OpenTelemetryConfigSchema } from '../../../protos/gen/envoy/config/trace/v3/opentelemetry_pb.ts';
import { StdoutAccessLogSchema } from '../../../protos/gen/envoy/extensions/access_loggers/stream/v3/stream_pb.ts';
import type { HttpConnectionManager_TracingSchema } from '../../../protos/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import { pack } from '../../../protos/init.ts';
import { TRACES_CLUSTER } from '../names.ts';

const TO_NOBODY = {
  targetSpecifier: { case: 'envoyGrpc', value: { clusterName: TRACES_CLUSTER } },
} satisfies MessageInitShape<typeof GrpcServiceSchema>;

/** Which program the listener is for. */
export type SidecarKind = 'weft' | 'envoy';

/** In what listeners of the same service differ. */
export interface ListenerStyle {
  readonly sidecar: SidecarKind;
  /** What a request needs and is not there yet is asked for, and the request waits for it. */
  readonly onDemand: boolean;
}

export function styleText({ sidecar, onDemand }: ListenerStyle): string {
  return `in ${sidecar}${onDemand ? ' on demand' : ''}`;
}

export function sidecarOf(workload: Workload): SidecarKind {
  return workload.spec?.proxy === 'envoy' ? 'envoy' : 'weft';
}

export type Direction = 'inbound' | 'outbound';

/**
 * Where the log goes and what it looks like is our own proxy's business; that there is one is configuration. Envoy is
 * told to write the fields that ours writes, by the same names, as far as it knows them. The agent says who it is.
 */
export function accessLog(
  sidecar: SidecarKind,
  direction: Direction,
  about: 'http' | 'tcp',
): MessageInitShape<typeof AccessLogSchema> {
  const config = sidecar === 'weft' ? {} : { accessLogFormat: jsonFormat(direction, about) };
  return {
    name: 'envoy.access_loggers.stdout',
    configType: { case: 'typedConfig', value: pack(StdoutAccessLogSchema, config) },
  };
}

const OWN_SERVICE = '%ENVIRONMENT(WEFT_SERVICE)%';
const ENDS = {
  inbound: { source: '%DOWNSTREAM_PEER_URI_SAN%', destination: OWN_SERVICE, tls: '%DOWNSTREAM_TLS_VERSION%' },
  outbound: {
    source: OWN_SERVICE,
    destination: '%METADATA(CLUSTER:weft.mesh:service)%',
    tls: '%UPSTREAM_TLS_VERSION%',
  },
} as const;

function jsonFormat(direction: Direction, about: 'http' | 'tcp') {
  const http = {
    route: '%ROUTE_NAME%',
    status: '%RESPONSE_CODE%',
    attempts: '%UPSTREAM_REQUEST_ATTEMPT_COUNT%',
    grpcStatus: '%GRPC_STATUS_NUMBER%',
    method: '%REQ(:METHOD)%',
    authority: '%REQ(:AUTHORITY)%',
    path: '%REQ(:PATH):1024%',
    requestId: '%REQ(X-REQUEST-ID):128%',
    traceId: '%TRACE_ID%',
  };
  const value = {
    time: '%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%',
    direction,
    ...ENDS[direction],
    upstream: '%UPSTREAM_HOST%',
    flag: '%RESPONSE_FLAGS%',
    detail: '%RESPONSE_CODE_DETAILS%',
    durationMs: '%DURATION%',
    bytesIn: '%BYTES_RECEIVED%',
    bytesOut: '%BYTES_SENT%',
    ...(about === 'http' ? http : {}),
  };
  return {
    case: 'logFormat',
    value: { format: { case: 'jsonFormat', value }, omitEmptyValues: true },
  } as const;
}

/**
 * Envoy writes `traceparent` only where it has a tracer, and a tracer wants somebody to report to: a cluster of its
 * bootstrap in which there is nobody. A trace that begins here is not sampled, so that spans are made for those alone
 * which a caller has asked for.
 */
export function tracing(): MessageInitShape<typeof HttpConnectionManager_TracingSchema> {
  return {
    provider: {
      name: 'envoy.tracers.opentelemetry',
      configType: { case: 'typedConfig', value: pack(OpenTelemetryConfigSchema, { grpcService: TO_NOBODY }) },
    },
    randomSampling: { value: 0 },
  };
}
