/**
 * The control plane of a mesh: one aggregated delta stream over mTLS, with this workload's SVID on one side and the
 * control plane's own identity on the other.
 */
import type { Address, Clock, RpcTarget } from '../../core/runtime.ts';
import { controlPlaneTls } from '../../identity/control-plane-tls.ts';
import { isValid, type SvidSource } from '../../identity/svid.ts';
import { ADS } from '../../xds/client/resource-source.ts';
import type { XdsChannel, XdsSources } from './xds-sources.ts';

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
    ads: { protocol: 'delta', channel: meshChannel(options), isOrdered: true },
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
  const tls = controlPlaneTls(svid, trustBundlePem(), clock);
  return tls === null ? null : { address, tls };
}
