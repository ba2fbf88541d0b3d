/** The state-of-the-world variant (DiscoveryRequest): what gRPC clients speak, and Envoy by default. */
import type { DiscoveryRequest } from '../tables/messages.gen.ts';
import { DiscoveryRequestTable } from '../tables/tables.gen.ts';
import type { Dialect } from './session.ts';
import { SotwTypeState } from './sotw-type-state.ts';

export const SOTW: Dialect<DiscoveryRequest> = {
  variant: 'sotw',
  table: DiscoveryRequestTable,
  typeState: (parts, client) => new SotwTypeState(parts, !client.isGrpc),
};
