/**
 * `weft.mesh/v1` PeerAuthentication: whether a workload demands mutual TLS of its callers. Without one, the Mesh says,
 * and without that it is strict.
 */
import { z } from 'zod';
import { labels, objectName } from '../../api/fields.ts';
import type { Frozen } from '../../api/kind.ts';
import { mtlsMode } from '../../api/kinds/mesh.ts';
import type { Resource } from '../../api/resource.ts';
import type { PolicyKind } from '../policy-kind.ts';

const WORKLOAD_GROUP = 'weft.mesh';

const targetRef = z
  .strictObject({
    /** Empty for a Service, `weft.mesh` for a Workload. */
    group: z.string(),
    kind: z.enum(['Service', 'Workload']),
    /** In the policy's own namespace. */
    name: objectName('subdomain'),
  })
  .superRefine((ref, context) => {
    const group = ref.kind === 'Service' ? '' : WORKLOAD_GROUP;
    if (ref.group !== group) {
      context.addIssue({ code: 'custom', path: ['group'], message: `must be "${group}" for a ${ref.kind}` });
    }
  });

const mtls = z.strictObject({ mode: mtlsMode });

const spec = z.strictObject({
  /** The workloads that these name or select. */
  targetRefs: z.array(targetRef).min(1).max(16).optional(),
  /** The workloads with all these labels. Neither this nor targetRefs: every workload of the namespace. */
  selector: z
    .strictObject({
      matchLabels: labels.refine((map) => Object.keys(map).length > 0, {
        error: 'must have at least one label|To mean the whole namespace, leave the selector out',
      }),
    })
    .optional(),
  /** Unset: the next wider policy, then the Mesh, decides. */
  mtls: mtls.optional(),
  /** By the app's own port, in decimal. */
  portLevelMtls: z.record(z.string().regex(/^[1-9][0-9]{0,4}$/, { error: 'must be a port number' }), mtls).optional(),
});

const status = z.looseObject({});

export type PeerAuthenticationSpec = Frozen<z.infer<typeof spec>>;
export type PeerAuthenticationTarget = Frozen<z.infer<typeof targetRef>>;
export type PeerAuthentication = Resource<PeerAuthenticationSpec, Frozen<z.infer<typeof status>>>;

export const peerAuthenticationKind: PolicyKind<PeerAuthenticationSpec, Frozen<z.infer<typeof status>>> = {
  group: 'weft.mesh',
  version: 'v1',
  alsoVersions: [],
  kind: 'PeerAuthentication',
  plural: 'peerauthentications',
  singular: 'peerauthentication',
  shortNames: ['pa'],
  namespaced: true,
  nameRule: 'subdomain',
  description: 'Whether workloads demand mutual TLS of their callers: strict, permissive or disabled.',
  spec,
  specRequired: true,
  status,
  immutable: [],
  columns: [
    { name: 'MODE', wide: false, value: (policy) => policy.spec?.mtls?.mode ?? '' },
    { name: 'TARGETS', wide: false, value: (policy) => targetsText(policy.spec ?? {}) },
    { name: 'PORTS', wide: true, value: (policy) => portsText(policy.spec ?? {}) },
  ],
  enforcedBy: {
    weft: true,
    envoy: true,
    grpc: 'servers without a proxy decide by their own credentials',
    none: 'callers reach the application in plaintext',
  },
  check(policy, report) {
    const { targetRefs, selector, mtls, portLevelMtls = {} } = policy.spec ?? {};
    if (targetRefs !== undefined && selector !== undefined) {
      report(['spec', 'selector'], 'must not stand beside targetRefs', 'Keep one of the two');
    }
    const ports = Object.keys(portLevelMtls);
    if (ports.length > 0 && targetRefs === undefined && selector === undefined) {
      report(
        ['spec', 'portLevelMtls'],
        'needs targetRefs or a selector: a port number means something for named workloads only',
      );
    }
    if (mtls === undefined && ports.length === 0) report(['spec', 'mtls'], 'is required when portLevelMtls is unset');
    for (const port of ports) {
      if (Number(port) > 65_535) report(['spec', 'portLevelMtls', port], 'must be a port number from 1 to 65535');
    }
  },
};

function targetsText(spec: PeerAuthenticationSpec): string {
  if (spec.targetRefs !== undefined) return spec.targetRefs.map((ref) => `${ref.kind}/${ref.name}`).join(', ');
  const labels = Object.entries(spec.selector?.matchLabels ?? {});
  return labels.length === 0 ? '(namespace)' : labels.map(([key, value]) => `${key}=${value}`).join(',');
}

function portsText(spec: PeerAuthenticationSpec): string {
  return Object.entries(spec.portLevelMtls ?? {})
    .map(([port, { mode }]) => `${port}=${mode}`)
    .join(', ');
}
