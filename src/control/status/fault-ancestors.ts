/** What a FaultInjection's status says of each of its targets: does it exist, is the fault over, does an older one decide there. */
import type { Reader, View } from '../../api/reader.ts';
import { type Key, keyText } from '../../api/resource.ts';
import { hasEnded } from '../../policies/fault-injection/ended.ts';
import { type FaultInjection, KIND } from '../../policies/fault-injection/kind.ts';
import { faultInjectionKind } from '../../policies/fault-injection/policy.ts';
import type { RequestTarget } from '../../policies/request-target.ts';
import { byAgeThenName } from '../../policies/seniority.ts';
import { servicePortFacts } from '../generate/service-port.ts';
import { callersWithout, enforced } from './enforced.ts';
import type { Finding, Report } from './report.ts';
import { ancestorOf, sameTarget, targetedPorts, targetProblem } from './request-targets.ts';

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
    const without = callersWithout(read, faultInjectionKind, policy);
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
      return {
        ref: ancestorOf(key.namespace, ref),
        findings: [accepted, enforced([...bytesOnly(read, key.namespace, ref), ...without])],
      };
    });
    return { generation: policy.metadata.generation ?? 0, referred };
  },
  same: (a, b) => JSON.stringify(a) === JSON.stringify(b),
};

/** A fault is for requests: where nothing but raw bytes can come, nothing of it happens. */
function bytesOnly(read: Reader, namespace: string, ref: RequestTarget): readonly string[] {
  const ports = targetedPorts(read, namespace, ref);
  const carries = (port: number) => read.view(servicePortFacts, { namespace, service: ref.name, port })?.protocol ?? '';
  if (ports.length === 0 || !ports.every((port) => carries(port) === 'tcp')) return [];
  return [`${ref.kind} ${namespace}/${ref.name} carries tcp on port ${ports.join(', ')}, and a fault is for requests`];
}
