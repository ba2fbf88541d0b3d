/**
 * The control plane of a mesh: one aggregated delta stream over mTLS, with this workload's SVID on one side and the
 * control plane's own identity on the other.
 */
import type { Address, Clock, PeerCertificate, RpcTarget } from '../../core/runtime.ts';
import { verifySpiffePeer } from '../../identity/peer-check.ts';
import { readSpiffeId } from '../../identity/spiffe-id.ts';
import { isValid, type SvidSource } from '../../identity/svid.ts';
import { ADS } from '../../xds/client/resource-source.ts';
import type { XdsChannel, XdsSources } from './xds-sources.ts';

/** A name in every control plane's certificate, whatever its address. */
const SERVER_NAME = 'localhost';

export interface MeshChannelOptions {
  readonly clock: Clock;
  readonly address: Address;
  readonly svid: SvidSource;
  /** Roots of the control plane's certificate, asked for at each connection. */
  readonly trustBundlePem: () => string;
}

export function meshSources(options: MeshChannelOptions): XdsSources {
  return {
    listeners: ADS,
    clusters: ADS,
    ads: { protocol: 'delta', channel: meshChannel(options) },
    channel: () => null,
  };
}

export function meshChannel(options: MeshChannelOptions): XdsChannel {
  const { address, svid } = options;
  return {
    name: `${address.host}:${address.port}`,
    target: () => meshTarget(options),
    subscribe: (changed) => svid.subscribe(changed),
  };
}

/** Null without a valid SVID: the control plane would refuse, and a plaintext stream would give our names away. */
function meshTarget({ clock, address, svid: source, trustBundlePem }: MeshChannelOptions): RpcTarget | null {
  const svid = source.current();
  if (svid === null || !isValid(svid, clock.wall())) return null;
  const own = readSpiffeId(svid.id);
  if (typeof own === 'string') return null;
  const { trustDomain } = own;
  const ids = [`spiffe://${trustDomain}/ns/weft-system/sa/control-plane`];
  return {
    address,
    tls: {
      role: 'client',
      identity: {
        certificateChainPem: svid.certificateChainPem,
        privateKeyPem: svid.privateKeyPem,
        trustBundlePem: trustBundlePem(),
      },
      alpn: ['h2'],
      serverName: SERVER_NAME,
      requirePeerCertificate: true,
      verifyPeer: (peer: PeerCertificate) => verifySpiffePeer(peer, { trustDomain, role: 'server', ids }, clock.wall()),
    },
  };
}
