/** Which policies are for a workload: all that name or select it and all of its namespace, together. None has precedence. */
import type { Workload } from '../../api/kinds/workload.ts';
import type { Reader } from '../../api/reader.ts';
import { isTargeted, targetedServices, targetsWorkload } from '../workload-target.ts';
import { type AuthorizationPolicy, KIND } from './kind.ts';

/** In the order of their names. */
export function policiesFor(read: Reader, workload: Workload): readonly AuthorizationPolicy[] {
  const { namespace = '' } = workload.metadata;
  const policies = read.list(KIND, namespace) as readonly AuthorizationPolicy[];
  if (policies.length === 0) return [];
  const services = targetedServices(read, namespace, policies);
  return policies.filter((policy) => !isTargeted(policy) || targetsWorkload(policy, workload, services));
}
