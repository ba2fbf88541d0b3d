/** The RPC methods that serve xDS: all types on one stream, in either variant. */
import { DELTA } from '../../xds/server/delta.ts';
import type { Dialect, XdsRequest } from '../../xds/server/session.ts';
import { SOTW } from '../../xds/server/sotw.ts';
import type { DeltaDiscoveryRequest, DiscoveryRequest } from '../../xds/tables/messages.gen.ts';

export interface XdsMethod<Request extends XdsRequest> {
  readonly path: string;
  readonly dialect: Dialect<Request>;
}

const ADS = '/envoy.service.discovery.v3.AggregatedDiscoveryService';

export const DELTA_ADS: XdsMethod<DeltaDiscoveryRequest> = { path: `${ADS}/DeltaAggregatedResources`, dialect: DELTA };
export const SOTW_ADS: XdsMethod<DiscoveryRequest> = { path: `${ADS}/StreamAggregatedResources`, dialect: SOTW };
