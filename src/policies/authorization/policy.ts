/** AuthorizationPolicy as an entry of the list of policies: names, checks between fields, columns, and what it generates. */
import type { PolicyKind } from '../policy-kind.ts';
import { checkTargets, targetsText } from '../workload-target.ts';
import { compileInbound } from './compile/inbound.ts';
import { policiesFor } from './effective.ts';
import { type AuthorizationSpec, type AuthorizationStatus, KIND, spec, statusSchema } from './kind.ts';

export const authorizationKind: PolicyKind<AuthorizationSpec, AuthorizationStatus> = {
  group: 'weft.mesh',
  version: 'v1',
  alsoVersions: [],
  kind: KIND,
  plural: 'authorizationpolicies',
  singular: 'authorizationpolicy',
  shortNames: ['authz'],
  namespaced: true,
  nameRule: 'subdomain',
  description: 'Who may ask for what of a workload.',
  spec,
  specRequired: true,
  status: statusSchema,
  immutable: [],
  columns: [
    { name: 'ACTION', wide: false, value: (policy) => policy.spec?.action ?? '' },
    { name: 'TARGETS', wide: false, value: (policy) => targetsText(policy.spec ?? {}) },
    { name: 'RULES', wide: false, value: (policy) => String(policy.spec?.rules?.length ?? 0) },
  ],
  enforcedBy: {
    weft: true,
    envoy: true,
    grpc: 'by grpc-go, and others that have the RBAC filter, but for ipBlocks and headers named grpc-…, …-bin and te: a policy with them closes its ports; AUDIT writes nothing',
    none: 'nothing stands before the application: callers of the mesh are kept from it, others reach it in plaintext',
  },
  side: 'callee',
  unenforced({ spec: written }, proxy) {
    if (proxy === 'none') return 'nothing stands before the application';
    // What else gRPC servers cannot do closes their ports.
    return proxy === 'grpc' && written?.action === 'AUDIT' ? 'AUDIT' : null;
  },
  inbound: compileInbound,
  guards: (workload, read) => read.view(policiesFor, workload).some((policy) => policy.spec?.action !== 'AUDIT'),
  check(policy, report) {
    const { action, rules = [] } = policy.spec ?? {};
    checkTargets(policy.spec, report);
    if (action !== 'ALLOW' && rules.length === 0) {
      report(
        ['spec', 'rules'],
        'must have at least one rule',
        'Only an ALLOW policy means something without: it allows nothing',
      );
    }
    const seen = new Map<string, number>();
    rules.forEach(({ name }, index) => {
      if (name === undefined) return;
      const first = seen.get(name);
      if (first === undefined) seen.set(name, index);
      else report(['spec', 'rules', index, 'name'], `repeats the name of rules[${first}]`);
    });
  },
};
