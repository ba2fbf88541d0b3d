/** FaultInjection as an entry of the list of policies: names, checks between fields, columns, and what it generates. */
import type { PolicyKind } from '../policy-kind.ts';
import { policyStatus } from '../policy-status.ts';
import { requestTargetsText } from '../request-target.ts';
import { compileRoute } from './compile.ts';
import { type FaultSpec, type FaultStatus, KIND, spec } from './kind.ts';

export const faultInjectionKind: PolicyKind<FaultSpec, FaultStatus> = {
  group: 'weft.mesh',
  version: 'v1',
  alsoVersions: [],
  kind: KIND,
  plural: 'faultinjections',
  singular: 'faultinjection',
  shortNames: ['fault'],
  namespaced: true,
  nameRule: 'subdomain',
  description: 'Requests that are held back or answered with an error on purpose.',
  spec,
  specRequired: true,
  status: policyStatus,
  immutable: [],
  columns: [
    { name: 'TARGETS', wide: false, value: (policy) => requestTargetsText(policy) },
    { name: 'FAULT', wide: false, value: (policy) => faultText(policy.spec ?? null) },
    { name: 'UNTIL', wide: false, value: (policy) => policy.spec?.until ?? '' },
  ],
  enforcedBy: {
    weft: true,
    envoy: 'but for its end while the control plane is away: it goes on until that is back',
    grpc: 'as in Envoy',
    none: 'there is no proxy beside the caller',
  },
  side: 'caller',
  unenforced: (_policy, proxy) => (proxy === 'none' ? 'there is no proxy beside the caller' : null),
  route: compileRoute,
  check(policy, report) {
    const { delay, abort } = policy.spec ?? {};
    if (delay === undefined && abort === undefined) report(['spec'], 'must have delay or abort, or both');
  },
};

function faultText(written: FaultSpec | null): string {
  const { delay, abort } = written ?? {};
  const share = (percentage = 100) => (percentage === 100 ? '' : ` (${percentage} %)`);
  const parts = [
    ...(delay === undefined ? [] : [`delay ${delay.fixed}${share(delay.percentage)}`]),
    ...(abort === undefined ? [] : [`abort ${statusText(abort)}${share(abort.percentage)}`]),
  ];
  return parts.join(', ');
}

function statusText({ httpStatus, grpcStatus }: NonNullable<FaultSpec['abort']>): string {
  return grpcStatus === undefined ? String(httpStatus) : `grpc ${grpcStatus}`;
}
