/** `healthCheck` → Envoy's HealthCheck, in the protocol that the cluster carries. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { RequestMethod } from '../../../protos/gen/envoy/config/core/v3/base_pb.ts';
import { type HealthCheck, HealthCheckSchema } from '../../../protos/gen/envoy/config/core/v3/health_check_pb.ts';
import { CodecClientType } from '../../../protos/gen/envoy/type/v3/http_pb.ts';
import type { ClusterDraft } from '../../policy-kind.ts';
import type { BackendTrafficSpec } from '../kind.ts';
import { durationFrom } from './values.ts';

type Section = NonNullable<BackendTrafficSpec['healthCheck']>;
type Checker = NonNullable<MessageInitShape<typeof HealthCheckSchema>['healthChecker']>;

/** null: this cluster cannot be checked in that way. */
export function healthCheck(
  section: Section,
  { carries, hop, port }: Pick<ClusterDraft, 'carries' | 'hop' | 'port'>,
): HealthCheck | null {
  const healthChecker = checker(section, carries, hop === 'http1', `${port.service}.${port.namespace}`);
  if (healthChecker === null) return null;
  return create(HealthCheckSchema, {
    interval: durationFrom(section.interval, '10s'),
    noTrafficInterval: durationFrom(section.idleInterval, '60s'),
    timeout: durationFrom(section.timeout, '1s'),
    unhealthyThreshold: section.unhealthyThreshold ?? 3,
    healthyThreshold: section.healthyThreshold ?? 2,
    // So that the proxies of a mesh do not ask in step.
    intervalJitterPercent: 10,
    healthChecker,
  });
}

function checker(
  { http, grpc, tcp }: Section,
  carries: ClusterDraft['carries'],
  isHttp1: boolean,
  host: string,
): Checker | null {
  if (http !== undefined) {
    const value = {
      host: http.host ?? host,
      path: http.path,
      method: METHODS[http.method ?? 'GET'],
      // Int64Range is half open.
      expectedStatuses: (http.expectedStatuses ?? []).map(({ from, to }) => ({
        start: BigInt(from),
        end: BigInt(to + 1),
      })),
      // Between sidecars HTTP is always HTTP/2; a tunnel leads to the application itself.
      codecClientType: carries === 'tcp' || isHttp1 ? CodecClientType.HTTP1 : CodecClientType.HTTP2,
    };
    return { case: 'httpHealthCheck', value };
  }
  if (grpc !== undefined) {
    if (carries !== 'http2') return null;
    return { case: 'grpcHealthCheck', value: { serviceName: grpc.service ?? '', authority: host } };
  }
  // Only a tunnel carries these bytes to the application; where HTTP is expected, a connection is all that can be tried.
  const { send, receive = [] } = carries === 'tcp' ? (tcp ?? {}) : {};
  return {
    case: 'tcpHealthCheck',
    value: { ...(send === undefined ? {} : { send: hex(send) }), receive: receive.map(hex) },
  };
}

function hex(text: string) {
  return { payload: { case: 'text' as const, value: Buffer.from(text).toString('hex') } };
}

const METHODS = { GET: RequestMethod.GET, HEAD: RequestMethod.HEAD, OPTIONS: RequestMethod.OPTIONS } as const;
