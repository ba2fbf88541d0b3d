/** Which filters a route has, and how configured: those of its listener with what its own levels say of them. */
import type { FilterOverride, HttpFilterConfig } from './route-table.ts';

const NO_OVERRIDES: readonly FilterOverride[] = [];

/** In the order of the listener. */
export function effectiveFilters(
  filters: readonly HttpFilterConfig[],
  overrides: readonly FilterOverride[] = NO_OVERRIDES,
): readonly HttpFilterConfig[] {
  return filters.flatMap((filter) => {
    const own = overrides.find(({ name }) => name === filter.name);
    if (own !== undefined) return own.config ?? [];
    return filter.disabled ? [] : filter;
  });
}
