/** How a workload connects to its control plane: its own SVID shown, and nobody believed but the control plane's id. */
import type { Clock, TlsOptions } from '../core/runtime.ts';
import { verifySpiffePeer } from './peer-check.ts';
import { readSpiffeId } from './spiffe-id.ts';
import type { Svid } from './svid.ts';

/** A name in every control plane's certificate, whatever its address. */
const SERVER_NAME = 'localhost';

/** Null: the SVID is none of a mesh. `trustBundlePem`: roots of the control plane's certificate. */
export function controlPlaneTls(svid: Svid, trustBundlePem: string, clock: Clock): TlsOptions | null {
  const own = readSpiffeId(svid.id);
  if (typeof own === 'string') return null;
  const { trustDomain } = own;
  const ids = [`spiffe://${trustDomain}/ns/weft-system/sa/control-plane`];
  const { certificateChainPem, privateKeyPem } = svid;
  return {
    role: 'client',
    identity: { certificateChainPem, privateKeyPem, trustBundlePem },
    alpn: ['h2'],
    serverName: SERVER_NAME,
    requirePeerCertificate: true,
    verifyPeer: (peer) => verifySpiffePeer(peer, { trustDomain, role: 'server', ids }, clock.wall()),
  };
}
