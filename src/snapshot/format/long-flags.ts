/** The response flags by Envoy's long names (`%RESPONSE_FLAGS_LONG%`); those that are Weft's own have names of the kind. */
import type { ResponseFlag } from '../../http/flags.ts';

const LONG: Readonly<Record<Exclude<ResponseFlag, ''>, string>> = {
  DC: 'DownstreamConnectionTermination',
  DO: 'DropOverload',
  DPE: 'DownstreamProtocolError',
  NC: 'NoClusterFound',
  NR: 'NoRouteFound',
  RL: 'RateLimited',
  SI: 'StreamIdleTimeout',
  UAEX: 'UnauthorizedExternalService',
  UC: 'UpstreamConnectionTermination',
  UF: 'UpstreamConnectionFailure',
  UH: 'NoHealthyUpstream',
  UMSDR: 'UpstreamMaxStreamDurationReached',
  UO: 'UpstreamOverflow',
  UPE: 'UpstreamProtocolError',
  UR: 'UpstreamRemoteReset',
  URX: 'UpstreamRetryLimitExceeded',
  UT: 'UpstreamRequestTimeout',
  DT: 'DurationTimeout',
  LO: 'LimitReached',
  OM: 'OverloadManagerTerminated',
  SE: 'IdentityExpired',
  DI: 'DelayInjected',
  FI: 'FaultInjected',
};

export function longFlag(flag: Exclude<ResponseFlag, ''>): string {
  return LONG[flag];
}
