/**
 * `weft.mesh/v1` PeerAuthentication: whether a workload demands mutual TLS of its callers. Without one, the Mesh says,
 * and without that it is strict.
 */
import { z } from 'zod';
import type { Frozen } from '../../api/kind.ts';
import { mtlsMode } from '../../api/kinds/mesh.ts';
import type { Resource } from '../../api/resource.ts';
import type { PolicyKind } from '../policy-kind.ts';
import { checkTargets, targetsText, workloadTargets } from '../workload-target.ts';

const mtls = z.strictObject({ mode: mtlsMode });

const spec = z.strictObject({
  ...workloadTargets,
  /** Unset: the next wider policy, then the Mesh, decides. */
  mtls: mtls.optional(),
  /** By the app's own port, in decimal. */
  portLevelMtls: z.record(z.string().regex(/^[1-9][0-9]{0,4}$/, { error: 'must be a port number' }), mtls).optional(),
});

const status = z.looseObject({});

export type PeerAuthenticationSpec = Frozen<z.infer<typeof spec>>;
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
    grpc: 'but for permissive, which is strict: gRPC tells no TLS from clear text on one port',
    none: 'callers reach the application in plaintext',
  },
  side: 'callee',
  unenforced({ spec: written }, proxy) {
    if (proxy !== 'grpc') return 'callers reach the application in plaintext';
    const modes = [written?.mtls, ...Object.values(written?.portLevelMtls ?? {})].map((each) => each?.mode);
    return modes.includes('permissive') ? 'permissive, which is strict there' : null;
  },
  check(policy, report) {
    const { targetRefs, selector, mtls, portLevelMtls = {} } = policy.spec ?? {};
    checkTargets(policy.spec, report);
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

function portsText(spec: PeerAuthenticationSpec): string {
  return Object.entries(spec.portLevelMtls ?? {})
    .map(([port, { mode }]) => `${port}=${mode}`)
    .join(', ');
}
