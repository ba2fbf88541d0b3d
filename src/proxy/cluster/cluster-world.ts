/** What all clusters of a proxy share. */
import type { Limit } from '../../core/limit.ts';
import type { Log } from '../../core/log.ts';
import type { Address } from '../../core/runtime.ts';
import type { OwnZone } from '../../snapshot/balance/own-zone.ts';
import type { Callers } from './callers.ts';
import type { LogThrottle } from '../../core/log-throttle.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Dialer } from './dial.ts';
import type { Identity } from './identity.ts';

export interface ClusterWorld {
  readonly dialer: Dialer;
  readonly identity: Identity;
  readonly telemetry: Telemetry;
  readonly log: Log;
  readonly throttle: LogThrottle;
  /** Where this proxy is, for zone-aware routing; null: unknown. */
  readonly zone: OwnZone | null;
  /** The same, where the cluster that this proxy belongs to is named; null: it is not. */
  readonly callers: Callers | null;
  /** Health checks at once, of all clusters. */
  readonly checks: Limit;
  /** An HTTP proxy that traffic out of the mesh must pass through; null: direct. */
  readonly egressProxy: Address | null;
}
