/**
 * Which mTLS mode holds for one port of one workload. Pure, so that generation, `describe` and explain share it.
 *
 * Most specific first: (1) portLevelMtls of a policy that names or selects the workload, (2) mtls of such a policy,
 * (3) mtls of a policy for the whole namespace, (4) the Mesh, which is strict
 * unless it says otherwise. Within a level the older policy wins, then the
 * name that sorts first. A policy of a level that says nothing about the port leaves the decision to the next.
 */
import { MESH_NAME, type MtlsMode } from '../../api/kinds/mesh.ts';
import type { Service } from '../../api/kinds/service.ts';
import type { Workload } from '../../api/kinds/workload.ts';
import { originOf } from '../../api/origin.ts';
import type { Origin } from '../../api/resource.ts';
import { byAgeThenName } from '../seniority.ts';
import { isTargeted, targetsWorkload } from '../workload-target.ts';
import type { PeerAuthentication } from './kind.ts';

export interface PeerAuthenticationFacts {
  /** In any order; those of other namespaces are ignored. */
  readonly policies: readonly PeerAuthentication[];
  /** Those of the workload's namespace; only policies that target a Service need them. */
  readonly services: readonly Service[];
  readonly workload: Workload;
  /** The app's own. */
  readonly appPort: number;
  /** What the Mesh says; strict when it says nothing. */
  readonly mesh: MtlsMode;
}

export interface EffectiveMode {
  readonly mode: MtlsMode;
  /** The field that decided; the Mesh's when no policy did. */
  readonly origin: Origin;
}

export function effectiveMode({ policies, services, workload, appPort, mesh }: PeerAuthenticationFacts): EffectiveMode {
  const local = policies
    .filter((policy) => policy.metadata.namespace === workload.metadata.namespace)
    .sort(byAgeThenName);
  const narrow = local.filter((policy) => isTargeted(policy) && targetsWorkload(policy, workload, services));
  for (const policy of narrow) {
    const mode = policy.spec?.portLevelMtls?.[String(appPort)]?.mode;
    if (mode !== undefined) return { mode, origin: originOf(policy, `spec.portLevelMtls["${appPort}"].mode`) };
  }
  for (const policy of [...narrow, ...local.filter((each) => !isTargeted(each))]) {
    const mode = policy.spec?.mtls?.mode;
    if (mode !== undefined) return { mode, origin: originOf(policy, 'spec.mtls.mode') };
  }
  return { mode: mesh, origin: { kind: 'Mesh', namespace: '', name: MESH_NAME, path: 'spec.mtls.mode', file: '' } };
}
