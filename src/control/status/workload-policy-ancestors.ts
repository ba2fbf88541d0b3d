/**
 * What the status of a policy for workloads says of each of its targets: does it exist, and does every workload enforce it. One
 * about security that some listener cannot enforce is not accepted: that listener stays closed until somebody mends it.
 */
import type { Workload } from '../../api/kinds/workload.ts';
import type { Reader, View } from '../../api/reader.ts';
import { type Key, keyText, type Resource } from '../../api/resource.ts';
import { unenforcedBy } from '../../policies/enforcement.ts';
import type { PolicyKind } from '../../policies/policy-kind.ts';
import { isTargeted, targetedServices, targetsWorkload, type WorkloadTargets } from '../../policies/workload-target.ts';
import { enforced } from './enforced.ts';
import { type Finding, type Report, shortened } from './report.ts';

type Targeting = Resource<WorkloadTargets>;

/** `closed`: why a workload has a port that is closed, a clause each. */
export function workloadPolicyAncestors(
  kind: PolicyKind,
  closed: (policy: Resource, workload: Workload) => readonly string[],
): View<Key, Report | null> {
  return {
    name: `${kind.singular}-ancestors`,
    id: keyText,
    derive(read, key) {
      const policy = read.get(key) as Targeting | null;
      if (policy === null) return null;
      const refused: string[] = [];
      const problems: string[] = [];
      for (const workload of workloadsOf(read, policy, key.namespace)) {
        const name = `workload ${key.namespace}/${workload.metadata.name}`;
        const { proxy = 'weft' } = workload.spec ?? {};
        const gap = unenforcedBy(kind, policy, proxy);
        if (gap !== null) problems.push(`${name} (${proxy}) does not: ${gap}`);
        refused.push(...closed(policy, workload).map((why) => `${name} ${why}`));
      }
      const referred = ancestorsOf(policy, key.namespace).map(({ ref, problem }) => ({
        ref,
        findings: [accepted(problem(read), refused), enforced([...refused, ...problems])],
      }));
      return { generation: policy.metadata.generation ?? 0, referred };
    },
    same: (a, b) => JSON.stringify(a) === JSON.stringify(b),
  };
}

function accepted(problem: string | null, refused: readonly string[]): Finding {
  const type = 'Accepted';
  if (problem !== null) return { type, status: 'False', reason: 'TargetNotFound', message: problem };
  if (refused.length === 0) return { type, status: 'True', reason: 'Accepted', message: '' };
  return { type, status: 'False', reason: 'NotEnforceable', message: shortened(refused.join('; ')) };
}

function workloadsOf(read: Reader, policy: Targeting, namespace: string): readonly Workload[] {
  const workloads = read.list('Workload', namespace) as readonly Workload[];
  if (!isTargeted(policy)) return workloads;
  const services = targetedServices(read, namespace, [policy]);
  return workloads.filter((workload) => targetsWorkload(policy, workload, services));
}

interface Ancestor {
  readonly ref: object;
  /** null: it exists. */
  problem(read: Reader): string | null;
}

function ancestorsOf({ spec }: Targeting, namespace: string): Ancestor[] {
  if (spec?.targetRefs === undefined) {
    // What a selector selects are workloads of the namespace, as without one all of them are.
    return [{ ref: { group: '', kind: 'Namespace', name: namespace }, problem: () => null }];
  }
  return spec.targetRefs.map(({ group, kind, name }) => ({
    ref: { group, kind, namespace, name },
    problem: (read) =>
      read.get({ kind, namespace, name }) === null ? `${kind} ${namespace}/${name} does not exist` : null,
  }));
}
