/** The policies of a workload → the filters that stand before its application, for HTTP and for raw bytes. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import { originOf } from '../../../api/origin.ts';
import type { Reader } from '../../../api/reader.ts';
import { FilterSchema } from '../../../protos/gen/envoy/config/listener/v3/listener_components_pb.ts';
import type { RBAC } from '../../../protos/gen/envoy/config/rbac/v3/rbac_pb.ts';
import { RBACSchema as HttpRbacSchema } from '../../../protos/gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts';
import { HttpFilterSchema } from '../../../protos/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import { RBACSchema as NetworkRbacSchema } from '../../../protos/gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.ts';
import { pack } from '../../../protos/init.ts';
import type { InboundDraft } from '../../policy-kind.ts';
import { policiesFor } from '../effective.ts';
import { type Compiled, compileRules } from './rules.ts';

export function compileInbound(
  { workload, port, neverHttp, trustDomain, http, tcp, origins }: InboundDraft,
  read: Reader,
): void {
  const policies = read.view(policiesFor, workload);
  if (policies.length === 0) return;
  origins.push(...policies.map((policy) => originOf(policy)));
  const comparesOneSpelling = workload.spec?.proxy === 'envoy';
  const proxyless = workload.spec?.proxy === 'grpc';
  const place = { trustDomain, port: port.port, neverHttp, comparesOneSpelling, proxyless };
  for (const [name, rules] of inOrder(compileRules(policies, { ...place, layer: 'http' }))) {
    http.push(create(HttpFilterSchema, filter(name, pack(HttpRbacSchema, httpRbac(name, rules)))));
  }
  for (const [name, rules] of inOrder(compileRules(policies, { ...place, layer: 'tcp' }))) {
    const statPrefix = `inbound_${port.port}_${name}_`;
    tcp.push(create(FilterSchema, filter(name, pack(NetworkRbacSchema, { rules, statPrefix }))));
  }
}

/** Audits see what is denied, too. */
function inOrder({ audit, deny, allow }: Compiled): (readonly [string, RBAC])[] {
  return Object.entries({ audit, deny, allow }).flatMap(([name, rules]) =>
    rules === null ? [] : [[name, rules] as const],
  );
}

function httpRbac(name: string, rules: RBAC): MessageInitShape<typeof HttpRbacSchema> {
  return { rules, rulesStatPrefix: name, trackPerRuleStats: true };
}

function filter(name: string, value: Any) {
  return { name: `authorization-${name}`, configType: { case: 'typedConfig' as const, value } };
}
