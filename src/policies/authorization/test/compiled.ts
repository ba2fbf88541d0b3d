/** The filters that a port gets for some policies, as generation asks for them. */
import type { Workload } from '../../../api/kinds/workload.ts';
import type { Reader } from '../../../api/reader.ts';
import type { Origin } from '../../../api/resource.ts';
import type { Filter } from '../../../protos/gen/envoy/config/listener/v3/listener_components_pb.ts';
import type { HttpFilter } from '../../../protos/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import { compileInbound } from '../compile/inbound.ts';
import type { AuthorizationPolicy } from '../kind.ts';
import { NAMESPACE, PORT, TRUST_DOMAIN } from './arbitrary.ts';

export interface CompiledFilters {
  readonly http: readonly HttpFilter[];
  readonly tcp: readonly Filter[];
}

export function compiled(
  policies: readonly AuthorizationPolicy[],
  proxy: 'weft' | 'envoy' = 'weft',
  neverHttp = false,
): CompiledFilters {
  const port = { port: PORT };
  const workload: Workload = {
    apiVersion: 'weft.mesh/v1',
    kind: 'Workload',
    metadata: { name: 'catalog-1', namespace: NAMESPACE },
    spec: { service: 'catalog', account: 'catalog', address: '127.0.0.1', ports: [port], proxy },
  };
  const list: Reader['list'] = (kind) => (kind === 'AuthorizationPolicy' ? policies : []);
  const read: Reader = {
    list,
    get: () => null,
    select: () => [],
    referring: () => [],
    view: (view, key) => view.derive(read, key),
  };
  const http: HttpFilter[] = [];
  const tcp: Filter[] = [];
  const origins: Origin[] = [];
  compileInbound({ workload, port, neverHttp, trustDomain: TRUST_DOMAIN, http, tcp, origins }, read);
  return { http, tcp };
}
