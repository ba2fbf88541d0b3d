/** Conditions on header fields: Weft's proxy and Envoy find the same route, whatever the request has. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { missing } from '../support/components.ts';
import { KINDS, type SameConfig, startSameConfig } from './same-config.ts';

const range = (start: number | string, end: number | string): object => ({ range_match: { start, end } });
const LATER = { treat_missing_header_as_empty: true };

/** Each a condition on `x-a`. */
const MATCHERS: Readonly<Record<string, object>> = {
  range: range(-5, 10),
  'range-inverted': { ...range(-5, 10), invert_match: true },
  'range-of-none': range(3, 3),
  'range-of-all': range('-9223372036854775808', '9223372036854775807'),
  'range-empty': { ...range(0, 10), ...LATER },
  'range-empty-inverted': { ...range(0, 10), invert_match: true, ...LATER },
  exact: { string_match: { exact: 'b' } },
  'exact-inverted': { string_match: { exact: 'b' }, invert_match: true },
  'exact-empty': { string_match: { exact: 'b' }, ...LATER },
  'exact-empty-inverted': { string_match: { exact: 'b' }, invert_match: true, ...LATER },
  prefix: { string_match: { prefix: 'b' } },
  'regex-of-both': { string_match: { safe_regex: { regex: 'a,b' } } },
  'regex-empty': { string_match: { safe_regex: { regex: '|7' } }, ...LATER },
  'regex-empty-inverted': { string_match: { safe_regex: { regex: '|7' } }, invert_match: true, ...LATER },
  present: { present_match: true },
  'present-empty': { present_match: true, ...LATER },
  'present-empty-inverted': { present_match: true, invert_match: true, ...LATER },
  'absent-empty': { present_match: false, ...LATER },
  'any-empty': LATER,
};

const VALUES: readonly (string | readonly string[] | null)[] = [
  null,
  '',
  '7',
  '-5',
  '-6',
  '10',
  '+3',
  '007',
  '7.0',
  '7x',
  'b',
  '9223372036854775806',
  '9223372036854775807',
  '99999999999999999999',
  ['7', '8'],
  ['100', '7'],
  ['a', 'b'],
  ['b', 'a'],
  'a,b',
  ['', 'b'],
];

describe('conditions on fields', { skip: missing('envoy') }, () => {
  let both: SameConfig;

  before(async () => {
    const routes = Object.entries(MATCHERS).flatMap(([name, matcher]) => [
      { match: { path: `/${name}`, headers: [{ name: 'x-a', ...matcher }] }, direct_response: { status: 200 } },
    ]);
    both = await startSameConfig({
      routes: { name: 'fields', virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
      clusters: {},
    });
  });
  after(() => both.close());

  for (const name of Object.keys(MATCHERS)) {
    test(name, async () => {
      const [weft, envoy] = await Promise.all(
        KINDS.map(async (kind) => {
          const found: [unknown, boolean][] = [];
          for (const value of VALUES) {
            const headers = value === null ? {} : { 'x-a': value };
            const { status } = await both.ask(kind, { path: `/${name}`, headers });
            assert.ok(status === 200 || status === 404, String(status));
            found.push([value, status === 200]);
          }
          return found;
        }),
      );
      assert.deepEqual(weft, envoy);
    });
  }
});
