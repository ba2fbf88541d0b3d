/**
 * Envoy resolves the host of a request in this filter, before its dynamic-forward cluster; here the cluster does both, so
 * the filter has nothing to do. It exists because listeners for Envoy carry it.
 */
import type { Filter, FilterModule } from '../../http/filter.ts';
import type { DynamicForwardFilter } from '../../xds/tables/messages.gen.ts';
import { DynamicForwardFilterTable } from '../../xds/tables/tables.gen.ts';
import { decode } from '../../xds/wire/decode.ts';

const NOTHING: Filter = {};

export const dynamicForwardProxy: FilterModule<DynamicForwardFilter> = {
  types: ['type.googleapis.com/envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig'],
  read: (config) => decode(DynamicForwardFilterTable, config),
  create: () => NOTHING,
};
