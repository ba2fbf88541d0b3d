/**
 * How a workload becomes a member of the mesh: it makes its own key, has it certified, and believes the answer only
 * when the certificate is for this key and id and leads to the root that was trusted before.
 */
import type { IssuedIdentity } from '../client/identity.ts';
import { assembleSvid } from '../identity/certificate.ts';
import { writeCsr } from '../identity/csr.ts';
import type { KeyMaker } from '../identity/key-maker.ts';
import { workloadId } from '../identity/spiffe-id.ts';
import { parseTrustBundle, trustDomainOf } from '../identity/trust-bundle.ts';
import type { ControlPlane } from './control-plane.ts';
import type { Membership } from './kept-state.ts';

export interface Claim {
  readonly namespace: string;
  readonly workload: string;
  readonly service: string;
  readonly account: string;
}

/** The first SVID, for a join token. Rejects as the control plane does, or with `invalid` for an answer that is not ours. */
export async function enrol(
  controlPlane: ControlPlane,
  keyMaker: KeyMaker,
  claim: Claim,
  joinToken: string,
): Promise<Membership> {
  return certify(controlPlane, keyMaker, claim, (csr) => controlPlane.enrol(joinToken, { ...claim, csr }));
}

/** Another SVID for a new key, by the current one. */
export async function renew(controlPlane: ControlPlane, keyMaker: KeyMaker, claim: Claim): Promise<Membership> {
  return certify(controlPlane, keyMaker, claim, (csr) => controlPlane.renew(csr));
}

async function certify(
  controlPlane: ControlPlane,
  keyMaker: KeyMaker,
  claim: Claim,
  ask: (csrPem: string) => Promise<IssuedIdentity>,
): Promise<Membership> {
  const root = await controlPlane.trustedRoot();
  const trustDomain = trustDomainOf(parseTrustBundle(root));
  const id = workloadId(trustDomain, claim.namespace, claim.account).text;
  const key = keyMaker.make();
  const issued = await ask(writeCsr(key, { commonName: `${claim.namespace}/${claim.workload}`, uri: id }));
  // The bundle may hold more roots, during a rotation; the one that was pinned must have signed this certificate.
  const svid = assembleSvid(id, key, issued.certificateChainPem, root);
  return { svid, trustDomain, trustBundlePem: issued.trustBundlePem, xds: issued.xds };
}
