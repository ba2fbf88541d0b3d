/** How a cluster asks its hosts whether they are well: Envoy's HealthCheck with its defaults filled in. */

export interface HealthCheckConfig {
  readonly timeoutMs: number;
  readonly intervalMs: number;
  /** While the cluster carries no traffic; default 60 s. */
  readonly noTrafficIntervalMs: number;
  /** The same for a host that is well; default: as for any. */
  readonly noTrafficHealthyIntervalMs: number;
  /** For a host that is unhealthy; default: the interval. */
  readonly unhealthyIntervalMs: number;
  /** Up to this, and up to this share of it in per cent, is added to an interval, evenly distributed. */
  readonly intervalJitterMs: number;
  readonly intervalJitterPercent: number;
  /** Up to this before the first check. */
  readonly initialJitterMs: number;
  /** Failures in a row that make a host unhealthy; a status that was not expected does at once. */
  readonly unhealthyThreshold: number;
  /** Successes in a row that make it healthy again; the first check of all decides alone. */
  readonly healthyThreshold: number;
  /** Default true. */
  readonly reuseConnection: boolean;
  readonly probe: ProbeConfig;
}

export type ProbeConfig = TcpProbeConfig | HttpProbeConfig | GrpcProbeConfig;

export interface TcpProbeConfig {
  readonly kind: 'tcp';
  /** Empty: nothing is sent. */
  readonly send: Uint8Array;
  /** Must come in this order, with anything between them; none: a connection is enough. */
  readonly receive: readonly Uint8Array[];
}

export interface HttpProbeConfig {
  readonly kind: 'http';
  /** Empty: the endpoint's name for checks, else the cluster's. */
  readonly host: string;
  readonly path: string;
  readonly method: string;
  /** Half open ranges. */
  readonly expected: readonly StatusRange[];
  readonly headers: readonly { readonly name: string; readonly value: string }[];
}

export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

/** `grpc.health.v1.Health/Check`. */
export interface GrpcProbeConfig {
  readonly kind: 'grpc';
  /** Empty: the server as a whole. */
  readonly service: string;
  /** Empty: as for HTTP. */
  readonly authority: string;
}

/** What an endpoint says about how it is checked (Envoy: `health_check_config`). */
export interface EndpointCheck {
  /** 0: the endpoint's own. */
  readonly port: number;
  readonly hostname: string;
  /** Never asked, always well. */
  readonly disabled: boolean;
}

export const DEFAULT_CHECK: EndpointCheck = { port: 0, hostname: '', disabled: false };
