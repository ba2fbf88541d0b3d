/**
 * Whether a policy is enforced by all whom it concerns. Few workloads have another proxy than Weft's, so those are a view of
 * their own: what others do costs no policy a second look.
 */
import type { ProxyKind, Workload } from '../../api/kinds/workload.ts';
import type { Reader, View } from '../../api/reader.ts';
import type { Resource } from '../../api/resource.ts';
import { unenforcedBy } from '../../policies/enforcement.ts';
import type { PolicyKind } from '../../policies/policy-kind.ts';
import { type Finding, shortened } from './report.ts';

interface OtherProxy {
  readonly workload: string;
  readonly namespace: string;
  readonly proxy: ProxyKind;
  /** undefined: every service. */
  readonly uses: readonly string[] | undefined;
}

const otherProxies: View<null, readonly OtherProxy[]> = {
  name: 'other-proxies',
  id: () => '',
  derive: (read) =>
    (read.list('Workload', null) as readonly Workload[]).flatMap(({ metadata, spec }) => {
      const { namespace = '', name } = metadata;
      const { proxy = 'weft', uses } = spec ?? {};
      return proxy === 'weft' ? [] : [{ workload: `${namespace}/${name}`, namespace, proxy, uses }];
    }),
  same: (a, b) => JSON.stringify(a) === JSON.stringify(b),
};

/** Of a policy that is enforced beside callers: those that may call what it is for. */
export function enforcedByCallers(read: Reader, kind: PolicyKind, policy: Resource): Finding {
  return enforced(callersWithout(read, kind, policy));
}

/** Those of them that do not enforce it, a clause each. */
export function callersWithout(read: Reader, kind: PolicyKind, policy: Resource): readonly string[] {
  const { namespace = '' } = policy.metadata;
  const refs = (policy.spec as { readonly targetRefs?: readonly { kind: string; name: string }[] }).targetRefs ?? [];
  const services = refs.filter((ref) => ref.kind === 'Service').map(({ name }) => name);
  // Which services an HTTPRoute is for is its own affair: whoever might take it is named.
  const mayCall = ({ uses, namespace: own }: OtherProxy) =>
    uses === undefined ||
    services.length < refs.length ||
    services.some((name) => uses.includes(`${namespace}/${name}`) || (own === namespace && uses.includes(name)));
  return read.view(otherProxies, null).flatMap((other) => {
    const gap = mayCall(other) ? unenforcedBy(kind, policy, other.proxy) : null;
    return gap === null ? [] : [`workload ${other.workload} (${other.proxy}) does not: ${gap}`];
  });
}

export function enforced(problems: readonly string[]): Finding {
  if (problems.length === 0) return { type: 'Enforced', status: 'True', reason: 'Enforced', message: '' };
  return { type: 'Enforced', status: 'False', reason: 'NotEnforced', message: shortened(problems.join('; ')) };
}
