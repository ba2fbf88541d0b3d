/** The probe that a configuration asks for. */
import type { HealthCheckConfig } from '../../../snapshot/health-check-config.ts';
import type { ClusterConfig } from '../../../snapshot/snapshot.ts';
import type { Dialer } from '../dial.ts';
import type { EndpointState } from '../endpoint-state.ts';
import { http2Limits } from '../http2-limits.ts';
import { speaks } from '../speaks.ts';
import { GrpcProbe } from './grpc-probe.ts';
import { HttpProbe } from './http-probe.ts';
import type { Probe, ProbeOwner } from './probe.ts';
import { TcpProbe } from './tcp-probe.ts';

/** An idle connection outlasts the longest pause between checks. */
const KEEP_MS = 3_600_000;

export function createProbe(
  config: HealthCheckConfig,
  cluster: ClusterConfig,
  host: EndpointState,
  dialer: Dialer,
  owner: ProbeOwner,
): Probe {
  const { probe } = config;
  const parts = { dialer, owner, connectTimeoutMs: config.timeoutMs };
  // A cluster's name is no host name where it says what it is for; its service is.
  const authority = host.endpoint.check.hostname || cluster.service || cluster.name;
  const http2 = http2Limits(cluster.http2, KEEP_MS);
  switch (probe.kind) {
    case 'tcp':
      return new TcpProbe(probe, parts);
    case 'http': {
      const line = { ...parts, reuse: config.reuseConnection, http2: speaks(cluster, host) === 'http2' ? http2 : null };
      return new HttpProbe(probe, probe.host || authority, line);
    }
    case 'grpc':
      return new GrpcProbe(probe, probe.authority || authority, { ...parts, reuse: config.reuseConnection, http2 });
  }
}
