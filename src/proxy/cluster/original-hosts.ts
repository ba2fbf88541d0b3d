/**
 * Hosts by where a captured connection was meant to go (Envoy's ORIGINAL_DST). Where the capture redirects nothing, that
 * is an address of this proxy itself, and no host.
 */
import type { ClusterConfig } from '../../snapshot/snapshot.ts';
import type { Attempt } from './attempt.ts';
import type { ClusterWorld } from './cluster-world.ts';
import type { EndpointState } from './endpoint-state.ts';
import type { HostOwner } from './host-owner.ts';
import { RequestedHosts } from './requested-hosts.ts';

const MAX_HOSTS = 4_096;

export class OriginalHosts extends RequestedHosts {
  readonly whyNone = 'no original destination outside of this proxy, or too many,';

  constructor(config: ClusterConfig, world: ClusterWorld, owner: HostOwner) {
    super(config, world, owner, MAX_HOSTS);
  }

  find(attempt: Attempt): EndpointState | null {
    const destination = attempt.destination();
    if (destination.port === 0 || this.world.dialer.own.has(destination.host, destination.port)) return null;
    const { originalPort } = this.config;
    return this.at(originalPort === 0 ? destination : { host: destination.host, port: originalPort });
  }
}
