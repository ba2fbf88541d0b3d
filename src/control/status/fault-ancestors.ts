/** What a FaultInjection's status says of each of its targets: does it exist, is the fault over, does an older one decide there. */
import type { View } from '../../api/reader.ts';
import { type Key, keyText } from '../../api/resource.ts';
import { hasEnded } from '../../policies/fault-injection/ended.ts';
import { type FaultInjection, KIND } from '../../policies/fault-injection/kind.ts';
import { faultInjectionKind } from '../../policies/fault-injection/policy.ts';
import { byAgeThenName } from '../../policies/seniority.ts';
import { enforcedByCallers } from './enforced.ts';
import type { Finding, Report } from './report.ts';
import { ancestorOf, sameTarget, targetProblem } from './request-targets.ts';

/** null when the policy does not exist. */
export const faultAncestors: View<Key, Report | null> = {
  name: 'fault-ancestors',
  id: keyText,
  derive(read, key) {
    const policy = read.get(key) as FaultInjection | null;
    if (policy === null) return null;
    const isOver = hasEnded(read, policy);
    const older = (read.list(KIND, key.namespace) as readonly FaultInjection[])
      .filter((each) => each.metadata.name !== key.name && byAgeThenName(each, policy) < 0 && !hasEnded(read, each))
      .toSorted(byAgeThenName);
    const enforced = enforcedByCallers(read, faultInjectionKind, policy);
    const referred = (policy.spec?.targetRefs ?? []).map((ref) => {
      const rival = older.find(({ spec }) =>
        (spec?.targetRefs ?? []).some((each) => sameTarget(read, key.namespace, each, ref)),
      );
      const refusal = (reason: string, message: string): Finding => ({
        type: 'Accepted',
        status: 'False',
        reason,
        message,
      });
      const problem = targetProblem(read, key.namespace, ref);
      const accepted: Finding = isOver
        ? refusal('Ended', `it ended at ${policy.spec?.until}`)
        : problem !== null
          ? refusal('TargetNotFound', problem)
          : rival !== undefined
            ? refusal('Conflicted', `${rival.metadata.name} is older and decides here`)
            : { type: 'Accepted', status: 'True', reason: 'Accepted', message: '' };
      return { ref: ancestorOf(key.namespace, ref), findings: [accepted, enforced] };
    });
    return { generation: policy.metadata.generation ?? 0, referred };
  },
  same: (a, b) => JSON.stringify(a) === JSON.stringify(b),
};
