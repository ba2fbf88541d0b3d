/** What all exchanges and relays of a proxy share. */
import type { OriginalDestination } from '../../capture/original-destination.ts';
import type { ChunkPool } from '../../core/chunk-pool.ts';
import type { Log } from '../../core/log.ts';
import type { Runtime } from '../../core/runtime.ts';
import type { Timers } from '../../core/timer-wheel.ts';
import type { WallTime } from '../../core/wall-time.ts';
import type { InternalTargets } from '../cluster/internal-targets.ts';
import type { Identity } from '../cluster/identity.ts';
import type { Overload } from '../overload/overload.ts';
import type { AccessLog } from '../telemetry/access-log.ts';
import type { LogFiles } from '../telemetry/log-files.ts';
import type { LogThrottle } from '../../core/log-throttle.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Binding } from './binding.ts';
import type { IdentityFields } from './identity-fields.ts';
import type { OnDemand } from './on-demand.ts';
import type { TraceContext } from './trace-context.ts';

export interface RouterWorld {
  readonly runtime: Runtime;
  readonly timers: Timers;
  readonly chunks: ChunkPool;
  readonly telemetry: Telemetry;
  readonly overload: Overload;
  /** null: no access log. */
  readonly accessLog: AccessLog | null;
  /** Those that the configuration names. */
  readonly logFiles: LogFiles;
  readonly wallTime: WallTime;
  readonly identity: Identity;
  readonly destination: OriginalDestination;
  readonly internals: InternalTargets;
  readonly demand: OnDemand;
  readonly fields: IdentityFields;
  readonly traces: TraceContext;
  readonly log: Log;
  readonly throttle: LogThrottle;
  /** The current one; an exchange asks once. */
  binding(): Binding;
}
