/** The incremental variant (DeltaDiscoveryRequest). */
import type { DeltaDiscoveryRequest } from '../tables/messages.gen.ts';
import { DeltaDiscoveryRequestTable } from '../tables/tables.gen.ts';
import { DeltaTypeState } from './delta-type-state.ts';
import type { Dialect } from './session.ts';

export const DELTA: Dialect<DeltaDiscoveryRequest> = {
  variant: 'delta',
  table: DeltaDiscoveryRequestTable,
  typeState: (parts) => new DeltaTypeState(parts),
};
