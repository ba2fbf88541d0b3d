/**
 * What a BackendTrafficPolicy's status says of each of its targets (GEP-713): does it exist, and which sections an older
 * policy of the same target has taken. A view, like that of routes.
 */
import type { View } from '../../api/reader.ts';
import { type Key, keyText } from '../../api/resource.ts';
import { type Conflict, conflictsOf, sectionsOf } from '../../policies/backend-traffic/conflicts.ts';
import type { BackendTrafficPolicy } from '../../policies/backend-traffic/kind.ts';
import type { RequestTarget } from '../../policies/request-target.ts';
import { backendTrafficKind } from '../../policies/backend-traffic/policy.ts';
import { policiesOf } from '../../policies/backend-traffic/views.ts';
import { enforcedByCallers } from './enforced.ts';
import { type Finding, type Report, shortened } from './report.ts';
import { ancestorOf, sameTarget, targetProblem } from './request-targets.ts';

/** null when the policy does not exist. */
export const policyAncestors: View<Key, Report | null> = {
  name: 'policy-ancestors',
  id: keyText,
  derive(read, key) {
    const policy = read.get(key) as BackendTrafficPolicy | null;
    if (policy === null) return null;
    const policies = policiesOf(read, key.namespace);
    const enforced = enforcedByCallers(read, backendTrafficKind, policy);
    const referred = (policy.spec?.targetRefs ?? []).map((ref) => {
      const problem = targetProblem(read, key.namespace, ref);
      const same = (a: RequestTarget, b: RequestTarget) => sameTarget(read, key.namespace, a, b);
      const conflicts = problem === null ? conflictsOf(policy, ref, policies, same) : [];
      return {
        ref: ancestorOf(key.namespace, ref),
        findings: [accepted(problem, policy, conflicts), conflicted(conflicts), enforced],
      };
    });
    return { generation: policy.metadata.generation ?? 0, referred };
  },
  same: (a, b) => JSON.stringify(a) === JSON.stringify(b),
};

function accepted(problem: string | null, policy: BackendTrafficPolicy, conflicts: readonly Conflict[]): Finding {
  const type = 'Accepted';
  if (problem !== null) return { type, status: 'False', reason: 'TargetNotFound', message: problem };
  if (conflicts.length > 0 && conflicts.length === sectionsOf(policy).length) {
    return { type, status: 'False', reason: 'Conflicted', message: 'nothing of it holds here: see Conflicted' };
  }
  return { type, status: 'True', reason: 'Accepted', message: '' };
}

function conflicted(conflicts: readonly Conflict[]): Finding {
  if (conflicts.length === 0) return { type: 'Conflicted', status: 'False', reason: 'NoConflict', message: '' };
  const message = conflicts
    .map(({ section, winner }) => `${section} is that of ${winner.metadata.name}, which is older`)
    .join('; ');
  return { type: 'Conflicted', status: 'True', reason: 'Conflicted', message: shortened(message) };
}
