/** The probe that a configuration asks for. */
import type { HealthCheckConfig } from '../../../snapshot/health-check-config.ts';
import type { ClusterConfig } from '../../../snapshot/snapshot.ts';
import type { Dialer } from '../dial.ts';
import type { EndpointState } from '../endpoint-state.ts';
import { HttpProbe } from './http-probe.ts';
import type { Probe, ProbeOwner } from './probe.ts';
import { TcpProbe } from './tcp-probe.ts';

export function createProbe(
  config: HealthCheckConfig,
  cluster: ClusterConfig,
  host: EndpointState,
  dialer: Dialer,
  owner: ProbeOwner,
): Probe {
  const { probe } = config;
  const parts = { dialer, owner, connectTimeoutMs: config.timeoutMs };
  switch (probe.kind) {
    case 'tcp':
      return new TcpProbe(probe, parts);
    case 'http': {
      // A cluster's name is no host name where it says what it is for; its service is.
      const authority = probe.host || host.endpoint.check.hostname || cluster.service || cluster.name;
      return new HttpProbe(probe, authority, config.reuseConnection, parts);
    }
  }
}
