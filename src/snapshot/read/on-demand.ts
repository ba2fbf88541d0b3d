/** Where a listener says that what a request needs and is not there yet is asked for (Envoy's on-demand discovery). */
import type { HttpFilter, TcpProxyConfig } from '../../xds/tables/messages.gen.ts';
import { OnDemandTable } from '../../xds/tables/tables.gen.ts';
import type { HttpManager } from '../snapshot.ts';
import { expectAds } from './config-source.ts';
import { decodeConfig } from './decode-config.ts';
import { ON_DEMAND_TYPE } from './http-filters.ts';
import { refuseSet } from './problem.ts';

/** Envoy's default for `odcds.timeout`. */
const TIMEOUT_MS = 5_000;

/** The filter `on_demand`. For virtual hosts it has no timeout of its own: they are waited for as long as clusters. */
export function readOnDemand(
  where: string,
  filters: readonly HttpFilter[],
): Pick<HttpManager, 'demandMs' | 'clustersOnDemand'> {
  const at = filters.findIndex(({ configType }) => configType.value?.typeUrl === ON_DEMAND_TYPE);
  const config = filters[at]?.configType.value;
  if (config === undefined) return { demandMs: 0, clustersOnDemand: false };
  const { odcds } = decodeConfig(OnDemandTable, config.value);
  if (odcds === undefined) return { demandMs: TIMEOUT_MS, clustersOnDemand: false };
  const place = `${where}[${at}].typed_config.odcds`;
  expectAds(`${place}.source`, odcds.source);
  refuseSet(`${place}.resources_locator`, odcds.resourcesLocator);
  return { demandMs: odcds.timeout ?? TIMEOUT_MS, clustersOnDemand: true };
}

export function readTcpDemand({ onDemand }: TcpProxyConfig): number {
  if (onDemand?.odcdsConfig === undefined) return 0;
  expectAds('on_demand.odcds_config', onDemand.odcdsConfig);
  refuseSet('on_demand.resources_locator', onDemand.resourcesLocator);
  return onDemand.timeout ?? TIMEOUT_MS;
}
