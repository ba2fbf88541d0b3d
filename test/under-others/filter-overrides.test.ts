/** Which filters a route asks, and how they are configured: every level of a route table under Weft's proxy and under Envoy. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { missing } from '../support/components.ts';
import { KINDS, type SameConfig, startSameConfig } from './same-config.ts';

const TYPE = 'type.googleapis.com/envoy';
const FILTERS = `${TYPE}.extensions.filters.http`;
/** Each filter refuses a request with a field of its own name, or by a configuration of a route, one with another. */
const refuses = (field: string): object => ({
  rules: {
    action: 'DENY',
    policies: {
      all: { permissions: [{ header: { name: field, present_match: true } }], principals: [{ any: true }] },
    },
  },
});
const filter = (name: string, parts: object = {}): object => ({
  name,
  typed_config: { '@type': `${FILTERS}.rbac.v3.RBAC`, ...refuses(`x-${name}`) },
  ...parts,
});
const own = (field: string): object => ({ '@type': `${FILTERS}.rbac.v3.RBACPerRoute`, rbac: refuses(field) });
const config = (parts: object): object => ({ '@type': `${TYPE}.config.route.v3.FilterConfig`, ...parts });
const UNKNOWN = { '@type': 'type.googleapis.com/google.protobuf.StringValue', value: 'x' };

/** Of a route, by its path. `on` is a filter that is asked, `off` one that is not unless somebody says so. */
const ROUTES: Readonly<Record<string, Readonly<Record<string, object>>>> = {
  nothing: {},
  disabled: { on: config({ disabled: true }) },
  enabled: { off: own('x-route') },
  wrapped: { on: config({ config: own('x-route') }), off: config({ config: own('x-route') }) },
  'wrapped-and-disabled': { on: config({ config: own('x-route'), disabled: true }) },
  again: { of_host: config({ config: own('x-of_host') }) },
  other: { of_host: own('x-route') },
  optional: { on: config({ config: UNKNOWN, is_optional: true }) },
};

const FIELDS = ['x-on', 'x-off', 'x-of_host', 'x-host', 'x-route'];

describe('filters of routes', { skip: missing('envoy') }, () => {
  let both: SameConfig;

  before(async () => {
    const routes = Object.entries(ROUTES).map(([name, overrides]) => ({
      match: { path: `/${name}` },
      direct_response: { status: 200 },
      typed_per_filter_config: overrides,
    }));
    const hosts = [
      { name: 'plain', domains: ['plain.test'], routes },
      { name: 'said', domains: ['said.test'], routes, typed_per_filter_config: { of_host: own('x-host') } },
      {
        name: 'off',
        domains: ['off.test'],
        routes,
        typed_per_filter_config: { of_host: config({ disabled: true }), off: config({ config: own('x-host') }) },
      },
    ];
    const router = { name: 'router', typed_config: { '@type': `${FILTERS}.router.v3.Router` } };
    both = await startSameConfig({
      routes: { name: 'filters', virtual_hosts: hosts },
      clusters: {},
      manager: { http_filters: [filter('on'), filter('off', { disabled: true }), filter('of_host'), router] },
    });
  });
  after(() => both.close());

  for (const host of ['plain.test', 'said.test', 'off.test']) {
    for (const name of Object.keys(ROUTES)) {
      test(`${host}/${name}`, async () => {
        const [weft, envoy] = await Promise.all(
          KINDS.map(async (kind) => {
            const refused: string[] = [];
            for (const field of FIELDS) {
              const { status } = await both.ask(kind, { host, path: `/${name}`, headers: { [field]: 'yes' } });
              assert.ok(status === 200 || status === 403, String(status));
              if (status === 403) refused.push(field);
            }
            return refused;
          }),
        );
        assert.deepEqual(weft, envoy);
      });
    }
  }
});
