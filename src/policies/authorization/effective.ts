/** Which policies are for a workload: all that name or select it and all of its namespace, together. None has precedence. */
import type { Workload } from '../../api/kinds/workload.ts';
import type { View } from '../../api/reader.ts';
import { keyOf, keyText } from '../../api/resource.ts';
import { isTargeted, targetedServices, targetsWorkload } from '../workload-target.ts';
import { type AuthorizationPolicy, KIND } from './kind.ts';

/** In the order of their names. A view, so that a policy for others changes nothing here. */
export const policiesFor: View<Workload, readonly AuthorizationPolicy[]> = {
  name: 'authorization-policies',
  id: (workload) => keyText(keyOf(workload)),
  derive(read, given) {
    const { namespace = '' } = given.metadata;
    const policies = read.list(KIND, namespace) as readonly AuthorizationPolicy[];
    if (policies.length === 0) return [];
    // The one that was given may be an older one than the index has.
    const workload = (read.get(keyOf(given)) as Workload | null) ?? given;
    const services = targetedServices(read, namespace, policies);
    return policies.filter((policy) => !isTargeted(policy) || targetsWorkload(policy, workload, services));
  },
  same: (a, b) => a.length === b.length && a.every((policy, i) => policy === b[i]),
};
