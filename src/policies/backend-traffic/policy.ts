/** BackendTrafficPolicy as an entry of the list of policies: names, checks between fields, columns, and what it generates. */
import type { PolicyKind } from '../policy-kind.ts';
import { policyStatus } from '../policy-status.ts';
import { requestTargetsText } from '../request-target.ts';
import { compileCluster } from './compile/cluster.ts';
import { compileAssignment } from './compile/locality.ts';
import { compileRoute } from './compile/route.ts';
import { compileTcp } from './compile/tcp.ts';
import { sectionsOf } from './conflicts.ts';
import { BACKEND_SECTIONS, type BackendTrafficSpec, type BackendTrafficStatus, KIND, SECTIONS, spec } from './kind.ts';
import { gapsOf } from './unenforced.ts';

export const backendTrafficKind: PolicyKind<BackendTrafficSpec, BackendTrafficStatus> = {
  group: 'weft.mesh',
  version: 'v1',
  alsoVersions: [],
  kind: KIND,
  plural: 'backendtrafficpolicies',
  singular: 'backendtrafficpolicy',
  shortNames: ['btp'],
  namespaced: true,
  nameRule: 'subdomain',
  description: 'How requests to a service are spread over its endpoints, bounded, timed and tried again.',
  spec,
  specRequired: true,
  status: policyStatus,
  immutable: [],
  columns: [
    { name: 'TARGETS', wide: false, value: (policy) => requestTargetsText(policy) },
    { name: 'SECTIONS', wide: false, value: (policy) => sectionsOf(policy).join(', ') },
    { name: 'ACCEPTED', wide: false, value: (policy) => acceptedText(policy.status) },
  ],
  enforcedBy: {
    weft: true,
    envoy:
      'but for PeakEwma, which is LeastRequest there, hedge.initialRequests, which is 1, and timeouts.request beside maxDuration',
    grpc: 'but for what gRPC clients lack: of loadBalancing PeakEwma, Random and slowStart, outliers by what fails in a row, health checks, all limits but requests, connections, timeouts.perTry and streamIdle, retry.statuses and maxBodyBytes, hedges, and TCP',
    none: 'there is no proxy beside the caller',
  },
  side: 'caller',
  unenforced({ spec: written }, proxy) {
    if (proxy === 'none') return 'there is no proxy beside the caller';
    const gaps = written === undefined ? [] : gapsOf(written, proxy);
    return gaps.length === 0 ? null : gaps.join(', ');
  },
  cluster: compileCluster,
  assignment: compileAssignment,
  route: compileRoute,
  tcp: compileTcp,
  check(policy, report) {
    const sections: Partial<BackendTrafficSpec> = policy.spec ?? {};
    const { targetRefs = [] } = sections;
    if (sectionsOf(policy).length === 0) {
      report(['spec'], 'must have a section besides targetRefs', `One of ${SECTIONS.join(', ')}`);
    }
    const route = targetRefs.findIndex(({ kind }) => kind === 'HTTPRoute');
    if (route !== -1) {
      for (const section of BACKEND_SECTIONS) {
        if (sections[section] === undefined) continue;
        report(
          ['spec', section],
          `is about the endpoints of a Service, and targetRefs[${route}] is an HTTPRoute`,
          'Write it in a policy whose targets are Services alone',
        );
      }
    }
    const seen = new Map<string, number>();
    targetRefs.forEach(({ kind, name, sectionName = '' }, index) => {
      const id = `${kind} ${name} ${sectionName}`;
      const first = seen.get(id);
      if (first === undefined) seen.set(id, index);
      else report(['spec', 'targetRefs', index], `repeats targetRefs[${first}]`, 'Remove one of them');
    });
    if (sections.hedge !== undefined && sections.timeouts?.perTry !== undefined) {
      report(
        ['spec', 'timeouts', 'perTry'],
        'must not stand beside hedge.after, which takes its place',
        'Keep one of the two',
      );
    }
    if (sections.hedge !== undefined && sections.retry?.attempts === 0) {
      report(['spec', 'retry', 'attempts'], 'must be more than 0 beside hedge: another try is one of them');
    }
  },
};

/** `True`, or the first reason why not; empty while nobody has looked. */
function acceptedText(status: BackendTrafficStatus | undefined): string {
  const conditions = (status?.ancestors ?? []).flatMap((ancestor) => ancestor.conditions ?? []);
  const refused = conditions.find(({ type, status }) => type === 'Accepted' && status !== 'True');
  if (refused !== undefined) return refused.reason;
  if (conditions.some(({ type, status }) => type === 'Conflicted' && status === 'True')) return 'Conflicted';
  return conditions.length === 0 ? '' : 'True';
}
