/**
 * The filters of authorization in the terms of gRPC servers (gRFC A41). They tell a caller the name of the policy that
 * denied it, which is nobody's business: so policies get numbers. Audits they would ignore.
 */
import { fromBinary } from '@bufbuild/protobuf';
import { RBAC_Action } from '../../../protos/gen/envoy/config/rbac/v3/rbac_pb.ts';
import { RBACSchema } from '../../../protos/gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts';
import type { HttpFilter } from '../../../protos/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import { pack } from '../../../protos/init.ts';
import type { HttpFilterInit } from './http-filters.ts';

export function narrowAuthorization(filters: readonly HttpFilter[]): HttpFilterInit[] {
  return filters.flatMap((filter): HttpFilterInit[] => {
    if (filter.configType.case !== 'typedConfig' || !filter.configType.value.typeUrl.endsWith(RBACSchema.typeName)) {
      // A server refuses a listener with a filter that it does not know: what stands before an application stays closed.
      return [filter];
    }
    const { rules } = fromBinary(RBACSchema, filter.configType.value.value);
    if (rules === undefined || rules.action === RBAC_Action.LOG) return [];
    const policies = Object.fromEntries(Object.values(rules.policies).map((policy, i) => [`rule-${i}`, policy]));
    const value = pack(RBACSchema, { rules: { action: rules.action, policies } });
    return [{ name: filter.name, configType: { case: 'typedConfig', value } }];
  });
}
