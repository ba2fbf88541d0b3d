/**
 * The router as a member of a filter list: it marks the end. What it does stands in `proxy/router/`, because it is not
 * one filter among others but the owner of the exchange.
 */
import type { Filter, FilterModule } from '../../http/filter.ts';
import type { Router } from '../../xds/tables/messages.gen.ts';
import { RouterTable } from '../../xds/tables/tables.gen.ts';
import { decode } from '../../xds/wire/decode.ts';

const MARK: Filter = {};

export const router: FilterModule<Router> = {
  types: ['type.googleapis.com/envoy.extensions.filters.http.router.v3.Router'],
  read: (config) => decode(RouterTable, config),
  create: () => MARK,
};
