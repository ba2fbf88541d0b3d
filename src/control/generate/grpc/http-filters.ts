/** The HTTP filters of gRPC programs. Another one that is required makes a client or server refuse the whole listener. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { HTTPFaultSchema } from '../../../protos/gen/envoy/extensions/filters/http/fault/v3/fault_pb.ts';
import { RouterSchema } from '../../../protos/gen/envoy/extensions/filters/http/router/v3/router_pb.ts';
import type { HttpFilterSchema } from '../../../protos/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import { pack } from '../../../protos/init.ts';

export type HttpFilterInit = MessageInitShape<typeof HttpFilterSchema>;

export const FAULT_FILTER = 'envoy.filters.http.fault';

/** gRFC A33. It does nothing by itself: what it injects stands at the routes. */
export function fault(): HttpFilterInit {
  return { name: FAULT_FILTER, configType: { case: 'typedConfig', value: pack(HTTPFaultSchema, {}) } };
}

export function router(): HttpFilterInit {
  return { name: 'envoy.filters.http.router', configType: { case: 'typedConfig', value: pack(RouterSchema, {}) } };
}
