/** How a workload connects to its control plane: its own SVID shown, and nobody believed but the control plane's id. */
import type { Clock, TlsIdentity, TlsOptions } from '../core/runtime.ts';
import { verifySpiffePeer } from './peer-check.ts';
import { readSpiffeId } from './spiffe-id.ts';
import type { Svid } from './svid.ts';

/** A name in every control plane's certificate, whatever its address. */
const SERVER_NAME = 'localhost';

/** One for each, because sessions are resumed by it, and OpenSSL's context is made for it. */
const identities = new WeakMap<Svid, TlsIdentity>();

/** Null: the SVID is none of a mesh. `trustBundlePem`: roots of the control plane's certificate. */
export function controlPlaneTls(svid: Svid, trustBundlePem: string, clock: Clock): TlsOptions | null {
  const own = readSpiffeId(svid.id);
  if (typeof own === 'string') return null;
  const { trustDomain } = own;
  const ids = [`spiffe://${trustDomain}/ns/weft-system/sa/control-plane`];
  return {
    role: 'client',
    identity: identityOf(svid, trustBundlePem),
    alpn: ['h2'],
    serverName: SERVER_NAME,
    requirePeerCertificate: true,
    verifyPeer: (peer) => verifySpiffePeer(peer, { trustDomain, role: 'server', ids }, clock.wall()),
  };
}

function identityOf(svid: Svid, trustBundlePem: string): TlsIdentity {
  const known = identities.get(svid);
  if (known?.trustBundlePem === trustBundlePem) return known;
  const { certificateChainPem, privateKeyPem } = svid;
  const identity = { certificateChainPem, privateKeyPem, trustBundlePem };
  identities.set(svid, identity);
  return identity;
}
