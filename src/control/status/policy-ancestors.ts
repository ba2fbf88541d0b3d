/**
 * What a BackendTrafficPolicy's status says of each of its targets (GEP-713): does it exist, and which sections an older
 * policy of the same target has taken. A view, like that of routes.
 */
import type { HttpRoute } from '../../api/kinds/http-route.ts';
import type { Service } from '../../api/kinds/service.ts';
import type { Reader, View } from '../../api/reader.ts';
import { type Key, keyText } from '../../api/resource.ts';
import { type Conflict, conflictsOf, sectionsOf } from '../../policies/backend-traffic/conflicts.ts';
import type { BackendTrafficPolicy } from '../../policies/backend-traffic/kind.ts';
import type { RequestTarget } from '../../policies/request-target.ts';
import { policiesOf } from '../../policies/backend-traffic/views.ts';
import { type Finding, type Report, shortened } from './report.ts';

/** null when the policy does not exist. */
export const policyAncestors: View<Key, Report | null> = {
  name: 'policy-ancestors',
  id: keyText,
  derive(read, key) {
    const policy = read.get(key) as BackendTrafficPolicy | null;
    if (policy === null) return null;
    const policies = policiesOf(read, key.namespace);
    const referred = (policy.spec?.targetRefs ?? []).map((ref) => {
      const problem = targetProblem(read, key.namespace, ref);
      const same = (a: RequestTarget, b: RequestTarget) => sameTarget(read, key.namespace, a, b);
      const conflicts = problem === null ? conflictsOf(policy, ref, policies, same) : [];
      return {
        ref: { group: ref.group, kind: ref.kind, namespace: key.namespace, name: ref.name, ...sectionOf(ref) },
        findings: [accepted(problem, policy, conflicts), conflicted(conflicts)],
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

function targetProblem(read: Reader, namespace: string, ref: RequestTarget): string | null {
  const found = read.get({ kind: ref.kind, namespace, name: ref.name });
  const name = `${ref.kind} ${namespace}/${ref.name}`;
  if (found === null) return `${name} does not exist`;
  if (ref.sectionName === undefined) return null;
  if (ref.kind === 'Service') {
    return portOf(found as Service, ref.sectionName) === null ? `${name} has no port ${ref.sectionName}` : null;
  }
  const rules = (found as HttpRoute).spec?.rules ?? [];
  return rules.some((rule) => rule.name === ref.sectionName) ? null : `${name} has no rule named ${ref.sectionName}`;
}

function sameTarget(read: Reader, namespace: string, a: RequestTarget, b: RequestTarget): boolean {
  if (a.kind !== b.kind || a.name !== b.name) return false;
  if (a.sectionName === b.sectionName) return true;
  if (a.kind !== 'Service' || a.sectionName === undefined || b.sectionName === undefined) return false;
  const service = read.get({ kind: 'Service', namespace, name: a.name }) as Service | null;
  return service !== null && portOf(service, a.sectionName) === portOf(service, b.sectionName);
}

/** By name or number. */
function portOf(service: Service, section: string): number | null {
  const ports = service.spec?.ports ?? [];
  return ports.find(({ name, port }) => name === section || String(port) === section)?.port ?? null;
}

function sectionOf({ sectionName }: RequestTarget): { sectionName?: string } {
  return sectionName === undefined ? {} : { sectionName };
}
