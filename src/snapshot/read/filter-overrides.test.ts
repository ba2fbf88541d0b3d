import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FILTER_MODULES } from '../../filters/all.ts';
import { effectiveFilters } from '../effective-filters.ts';
import type { HttpFilterConfig } from '../route-table.ts';
import { entryFrom, refusal } from './test/route-json.ts';

const FAULT = 'type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault';
const CONFIG = 'type.googleapis.com/envoy.config.route.v3.FilterConfig';
const fault = (status: number) => ({ '@type': FAULT, abort: { http_status: status, percentage: { numerator: 100 } } });
const wrapped = (parts: object) => ({ '@type': CONFIG, ...parts });
const of = (name: string, override: object) => ({ typed_per_filter_config: { [name]: override } });
const direct = { direct_response: { status: 200 } };

const listed = (name: string, disabled = false): HttpFilterConfig => ({
  name,
  type: FAULT,
  config: new Uint8Array(0),
  optional: false,
  disabled,
});
const LISTENER = [listed('a'), listed('b', true)];

/** Filters of a route, `*`: configured by it. */
function filtersOf(route: object, host: Parameters<typeof entryFrom>[1] = {}): string {
  const { overrides } = entryFrom({ ...direct, ...route }, host, {}, FILTER_MODULES);
  return effectiveFilters(LISTENER, overrides)
    .map((filter) => (LISTENER.includes(filter) ? filter.name : `${filter.name}*`))
    .join(' ');
}

test('a filter that is disabled is asked where a route configures it, another is not where one disables it', () => {
  assert.equal(filtersOf({}), 'a');
  assert.equal(filtersOf(of('a', wrapped({ disabled: true }))), '');
  assert.equal(filtersOf(of('b', fault(500))), 'a b*');
  assert.equal(filtersOf(of('b', wrapped({ config: fault(500) }))), 'a b*');
  assert.equal(filtersOf(of('a', wrapped({ config: fault(500), disabled: true }))), '');
});

test('the most specific level that speaks of a filter counts', () => {
  assert.equal(filtersOf({}, of('a', wrapped({ disabled: true }))), '');
  assert.equal(filtersOf(of('a', fault(500)), of('a', wrapped({ disabled: true }))), 'a*');
  assert.equal(filtersOf(of('a', wrapped({ disabled: true })), of('a', fault(500))), '');
});

test('one that nobody reads is refused, unless it may be unknown', () => {
  const unknown = { '@type': CONFIG };
  const read = (override: object) => () => filtersOf(of('a', override));
  assert.match(refusal(read(wrapped({ config: unknown }))), /typed_per_filter_config\["a"\]\.config/);
  assert.equal(filtersOf(of('a', wrapped({ config: unknown, is_optional: true }))), 'a');
  assert.match(refusal(read(wrapped({}))), /typed_per_filter_config\["a"\]\.config/);
});
