/** Hosts outside of the mesh, by the authority that a request names (Envoy's dynamic_forward_proxy). */
import type { Address } from '../../core/runtime.ts';
import type { ClusterConfig } from '../../snapshot/snapshot.ts';
import type { Attempt } from './attempt.ts';
import type { ClusterWorld } from './cluster-world.ts';
import type { EndpointState } from './endpoint-state.ts';
import type { HostOwner } from './host-owner.ts';
import { RequestedHosts } from './requested-hosts.ts';

const MAX_HOSTS = 512;

export class ForwardHosts extends RequestedHosts {
  readonly whyNone = 'no healthy endpoint';

  constructor(config: ClusterConfig, world: ClusterWorld, owner: HostOwner) {
    super(config, world, owner, MAX_HOSTS);
  }

  /** With an egress proxy every host is reached through it; the proxy resolves names. */
  find(attempt: Attempt): EndpointState | null {
    const address = this.world.egressProxy ?? readAuthority(attempt.authority());
    return address === null ? null : this.at(address);
  }
}

/** `host`, `host:port` or `[v6]:port`; port 80 when it is left out. */
function readAuthority(authority: string): Address | null {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(authority);
  const host = parts?.[1] ?? parts?.[2];
  const port = Number(parts?.[3] ?? 80);
  return host === undefined || port < 1 || port > 65_535 ? null : { host: host.toLowerCase(), port };
}
