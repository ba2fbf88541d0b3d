/** What is compiled says what was written: the proxy's filters against a plain reading of the policies. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { networkRbac } from '../../../filters/rbac/network-rbac.ts';
import { rbac } from '../../../filters/rbac/rbac.ts';
import type { Decision, Facts } from '../../../http/filter.ts';
import { FieldName } from '../../../http/field-name.ts';
import { Head } from '../../../http/head.ts';
import type { AuthorizationPolicy, AuthorizationSpec } from '../kind.ts';
import { callers, idOf, policies, policyOf, PORT, requests } from '../test/arbitrary.ts';
import { compiled, type CompiledFilters } from '../test/compiled.ts';
import { naiveAllows, type NaiveCaller, type NaiveRequest } from '../test/naive.ts';

function factsOf({ id, ip }: NaiveCaller): Facts {
  return {
    peerUris: id === null ? [] : [id],
    remoteHost: ip,
    destinationHost: '127.0.0.1',
    // The sidecar's, not the application's.
    destinationPort: PORT + 1,
    serverName: '',
  };
}

/** The first filter that refuses, or the last that was asked. */
function decide({ http }: CompiledFilters, caller: NaiveCaller, request: NaiveRequest): Decision {
  const head = Head.request(request.method, request.path, 'catalog');
  for (const [name, value] of request.headers) head.appendText(new FieldName(name), value);
  const decisions = http.map((filter) => {
    const config = rbac.read(
      filter.configType.case === 'typedConfig' ? filter.configType.value.value : new Uint8Array(),
    );
    return rbac.decide?.(config, head, factsOf(caller)) ?? { allowed: false, rule: 'no decision' };
  });
  head.free();
  return decisions.find(({ allowed }) => !allowed) ?? decisions.at(-1) ?? { allowed: true, rule: 'no filter' };
}

function admits({ tcp }: CompiledFilters, caller: NaiveCaller): boolean {
  return tcp.every((filter) => {
    const config = filter.configType.case === 'typedConfig' ? filter.configType.value.value : new Uint8Array();
    return networkRbac.decide(networkRbac.read(config), factsOf(caller)).allowed;
  });
}

test('of every request the filters say what the policies say', () => {
  let denied = 0;
  let allowed = 0;
  fc.assert(
    fc.property(policies, fc.array(fc.tuple(callers, requests), { minLength: 8, maxLength: 8 }), (all, asked) => {
      const filters = compiled(all);
      for (const [caller, request] of asked) {
        const expected = naiveAllows(all, PORT, caller, request);
        if (expected) allowed++;
        else denied++;
        assert.equal(decide(filters, caller, request).allowed, expected);
      }
    }),
    { numRuns: 1_500 },
  );
  assert.ok(denied > 1_000 && allowed > 1_000, `${denied} denied, ${allowed} allowed`);
});

test('of every connection of raw bytes, too: what asks for HTTP allows none and denies all', () => {
  fc.assert(
    fc.property(policies, fc.array(callers, { minLength: 6, maxLength: 6 }), (all, asked) => {
      const filters = compiled(all);
      for (const caller of asked) assert.equal(admits(filters, caller), naiveAllows(all, PORT, caller, null));
    }),
    { numRuns: 1_000 },
  );
});

const web: NaiveCaller = { id: idOf('shop/web'), ip: '10.0.0.1' };
const stranger: NaiveCaller = { id: null, ip: '10.0.0.1' };
const get = (path: string, headers: Record<string, string> = {}): NaiveRequest => ({
  method: 'GET',
  path,
  headers: new Map(Object.entries(headers)),
});
const policy = (action: AuthorizationSpec['action'], rules: AuthorizationSpec['rules'], name = 'p') =>
  policyOf(name, { action, rules });
const asks = (all: readonly AuthorizationPolicy[], caller: NaiveCaller, request: NaiveRequest) =>
  decide(compiled(all), caller, request);

test('without a policy there is no filter; an ALLOW policy without rules allows nothing', () => {
  assert.deepEqual(compiled([]), { http: [], tcp: [] });
  assert.equal(asks([policy('ALLOW', [])], web, get('/')).allowed, false);
  assert.equal(compiled([policy('ALLOW', [])]).tcp.length, 1);
});

test('DENY comes before ALLOW, and the decision names policy and rule', () => {
  const all = [
    policy('ALLOW', [{ name: 'all' }], 'open'),
    policy('DENY', [{ name: 'no-admin', to: [{ paths: [{ value: '/admin' }] }] }], 'closed'),
  ];
  assert.deepEqual(asks(all, web, get('/admin/x')), {
    allowed: false,
    rule: 'policy shop/closed/no-admin',
    policy: 'shop/closed/no-admin',
    origin: 'AuthorizationPolicy/shop/closed no-admin',
  });
  assert.equal(asks(all, web, get('/x')).rule, 'policy shop/open/all');
});

test('a path is denied in every spelling that an application may read as the one that is named', () => {
  const closed = [policy('DENY', [{ to: [{ paths: [{ value: '/admin' }] }] }])];
  for (const path of [
    '/admin',
    '/admin/',
    '/admin/x?q',
    '/x/../admin',
    '//admin',
    '/%61dmin',
    '/admin;x/y',
    '/x/..%2fadmin',
  ]) {
    assert.equal(asks(closed, web, get(path)).allowed, false, path);
  }
  for (const path of ['/administrator', '/x/admin', '/.well-known/x']) {
    assert.equal(asks(closed, web, get(path)).allowed, true, path);
  }
});

test('somebody without an identity matches no rule about callers that allows, and every "not" that denies', () => {
  const notBatch = [{ from: [{ notPrincipals: [idOf('shop/batch')] }] }];
  assert.equal(asks([policy('ALLOW', notBatch)], web, get('/')).allowed, true);
  assert.equal(asks([policy('ALLOW', notBatch)], stranger, get('/')).allowed, false);
  assert.equal(asks([policy('DENY', notBatch)], stranger, get('/')).allowed, false);
  for (const from of [{ principals: ['*'] }, { namespaces: ['shop'] }, { serviceAccounts: ['web'] }]) {
    assert.equal(asks([policy('ALLOW', [{ from: [from] }])], stranger, get('/')).allowed, false);
    assert.equal(asks([policy('ALLOW', [{ from: [from] }])], web, get('/')).allowed, true);
  }
});

test('`host` is the authority', () => {
  const rule = [{ headers: [{ name: 'Host', value: 'catalog' }] }];
  assert.equal(asks([policy('ALLOW', rule)], web, get('/')).allowed, true);
});

test('a port that never carries HTTP is closed by a policy that asks for it, whoever calls', () => {
  for (const action of ['ALLOW', 'DENY'] as const) {
    const http = policy(action, [{ from: [{ serviceAccounts: ['batch'] }], to: [{ methods: ['GET'] }] }]);
    assert.equal(admits(compiled([http], 'weft', true), web), false, action);
    const elsewhere = policy('DENY', [{ to: [{ methods: ['GET'], ports: [9090] }] }]);
    assert.equal(admits(compiled([elsewhere], 'weft', true), web), true);
  }
  const audit = policy('AUDIT', [{ to: [{ methods: ['GET'] }] }]);
  assert.equal(admits(compiled([audit], 'weft', true), web), true);
});
