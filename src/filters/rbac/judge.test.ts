import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { FieldName } from '../../http/field-name.ts';
import type { Facts } from '../../http/filter.ts';
import { Head } from '../../http/head.ts';
import type { HeaderMatcher, Permission, Principal, Rbac, StringMatcher } from '../../xds/tables/messages.gen.ts';
import { rbac } from './rbac.ts';
import { lenient, type NaiveRequest, naiveAllows, strict } from './test/naive.ts';
import { ANY, exact, header, httpRbac, path, peer, policy, prefix, rules, text } from './test/policies.ts';
import { endOfPath, isAmbiguous, PATH_READINGS, writeReading } from './path-readings.ts';

const ALLOW = 0;
const DENY = 1;
const LOG = 2;

const WEB = 'spiffe://weft.local/ns/shop/sa/web';
const FACTS: Facts = {
  peerUris: [WEB],
  remoteHost: '10.1.2.3',
  destinationHost: '10.0.0.1',
  destinationPort: 8080,
  serverName: 'catalog.shop.mesh.weft.local',
};

function headOf({ method, path: target, authority, fields }: NaiveRequest): Head {
  const head = Head.request(method, target, authority);
  for (const [name, value] of fields) head.appendText(new FieldName(name), value);
  return head;
}

function allows(enforced: Rbac, target = '/', fields: NaiveRequest['fields'] = [], facts = FACTS): boolean {
  const head = headOf({ method: 'GET', path: target, authority: 'catalog', fields });
  const before = [head.pathText, head.used, head.count];
  const decision = rbac.decide?.(rbac.read(httpRbac(enforced)), head, facts);
  assert.deepEqual([head.pathText, head.used, head.count], before, 'the head is as it was');
  head.free();
  assert.ok(decision !== undefined);
  return decision.allowed;
}

test('without policies ALLOW refuses everybody, DENY and LOG nobody; without rules everything passes', () => {
  assert.equal(allows(rules(ALLOW, {})), false);
  assert.equal(allows(rules(DENY, {})), true);
  assert.equal(allows(rules(LOG, {})), true);
  assert.equal(rbac.decide?.(rbac.read(httpRbac(undefined)), Head.request('GET', '/', 'a'), FACTS).allowed, true);
});

test('LOG refuses nobody, whatever matches', () => {
  assert.equal(allows(rules(LOG, { all: policy([ANY]) })), true);
});

test('a caller is known by the URI of its certificate, and by nothing else', () => {
  const onlyWeb = rules(ALLOW, { web: policy([ANY], [peer(exact(WEB))]) });
  assert.equal(allows(onlyWeb), true);
  assert.equal(allows(onlyWeb, '/', [], { ...FACTS, peerUris: [`${WEB}2`] }), false);
  assert.equal(allows(onlyWeb, '/', [['x-forwarded-client-cert', `URI=${WEB}`]], { ...FACTS, peerUris: [] }), false);
  const anybody = rules(ALLOW, { known: policy([ANY], [peer(undefined)]) });
  assert.equal(allows(anybody), true);
  assert.equal(allows(anybody, '/', [], { ...FACTS, peerUris: [] }), false);
});

test('a rule on the path does not see the query', () => {
  const onlyPublic = rules(ALLOW, { public: policy([path(exact('/public'))]) });
  assert.equal(allows(onlyPublic, '/public?admin=1'), true);
  assert.equal(allows(onlyPublic, '/x?/public'), false);
});

/** Spellings under which some application serves `/admin`. */
const WAYS_TO_ADMIN = [
  '/admin',
  '//admin',
  '/./admin',
  '/x/../admin',
  '/x/%2e%2e/admin',
  '/x/.%2E/admin',
  '/%61dmin',
  '/admin;x=y',
  '/;a/admin',
  '/x/..;foo=bar/admin',
  '/x%2F..%2fadmin',
  '/x%5c..%5Cadmin',
  '/x\\..\\admin',
  '/x/..//admin',
  '/../admin',
  '/admin?x',
];

test('no spelling of a path walks around a DENY', () => {
  const denied = rules(DENY, { admin: policy([path(exact('/admin'))]) });
  for (const spelling of WAYS_TO_ADMIN) assert.equal(allows(denied, spelling), false, spelling);
  assert.equal(allows(denied, '/administrator'), true);
  assert.equal(allows(denied, '/a%20b/c'), true);
});

test('no spelling of a path walks through an ALLOW of another one', () => {
  const allowed = rules(ALLOW, { public: policy([path(prefix('/public/'))]) });
  assert.equal(allows(allowed, '/public/a%20b'), true);
  assert.equal(allows(allowed, '/public/a/../b'), true);
  for (const way of [
    '/public/../admin',
    '/public/%2e%2e/admin',
    '/public/..%2fadmin',
    '/public/..;/admin',
    '/public\\..\\',
  ]) {
    assert.equal(allows(allowed, way), false, way);
  }
});

test('a field that came twice passes only if each of its values would', () => {
  const denied = rules(DENY, { admin: policy([header('x-role', exact('admin'))]) });
  const allowed = rules(ALLOW, { user: policy([header('x-role', prefix('user'))]) });
  for (const roles of [['admin'], ['user', 'admin'], ['admin', 'user'], ['a', 'b', 'admin']]) {
    const fields = roles.map((role) => ['x-role', role] as const);
    assert.equal(allows(denied, '/', fields), false, `DENY ${roles.join()}`);
    assert.equal(allows(allowed, '/', fields), false, `ALLOW ${roles.join()}`);
  }
  assert.equal(
    allows(denied, '/', [
      ['x-role', 'user'],
      ['x-role', 'guest'],
    ]),
    true,
  );
  assert.equal(
    allows(allowed, '/', [
      ['x-role', 'user1'],
      ['x-role', 'user2'],
    ]),
    true,
  );
});

const matcher: fc.Arbitrary<StringMatcher> = fc
  .record({
    kind: fc.constantFrom('exact' as const, 'prefix' as const, 'suffix' as const, 'contains' as const),
    value: fc.constantFrom('/a', '/a/b', '/admin', 'a', 'b', 'x', 'GET', 'A', '/b', WEB, 'weft'),
    ignoreCase: fc.boolean(),
  })
  .map(({ kind, value, ignoreCase }) => text({ case: kind, value } as StringMatcher['matchPattern'], ignoreCase));

const headerMatcher: fc.Arbitrary<HeaderMatcher> = fc
  .record({ name: fc.constantFrom('x-a', 'x-b', ':method', ':path'), match: matcher, invert: fc.boolean() })
  .map(({ name, match, invert }) => header(name, match, invert).rule.value as HeaderMatcher);

const urlPath = matcher.map((value) => ({ rule: { case: 'path' as const, value } }));

const permission: fc.Arbitrary<Permission> = fc.letrec<{ node: Permission; list: { rules: Permission[] } }>((tie) => ({
  list: fc.record({ rules: fc.array(tie('node'), { minLength: 1, maxLength: 3 }) }),
  node: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constant(ANY),
    headerMatcher.map((value): Permission => ({ rule: { case: 'header', value } })),
    urlPath.map((value): Permission => ({ rule: { case: 'urlPath', value } })),
    fc.constantFrom(8080, 9090).map((value): Permission => ({ rule: { case: 'destinationPort', value } })),
    matcher.map((value): Permission => ({ rule: { case: 'requestedServerName', value } })),
    tie('list').map((value): Permission => ({ rule: { case: 'andRules', value } })),
    tie('list').map((value): Permission => ({ rule: { case: 'orRules', value } })),
    tie('node').map((value): Permission => ({ rule: { case: 'notRule', value } })),
  ),
})).node;

const principal: fc.Arbitrary<Principal> = fc.letrec<{ node: Principal; list: { ids: Principal[] } }>((tie) => ({
  list: fc.record({ ids: fc.array(tie('node'), { minLength: 1, maxLength: 3 }) }),
  node: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.option(matcher, { nil: undefined }).map(peer),
    headerMatcher.map((value): Principal => ({ identifier: { case: 'header', value } })),
    urlPath.map((value): Principal => ({ identifier: { case: 'urlPath', value } })),
    tie('list').map((value): Principal => ({ identifier: { case: 'andIds', value } })),
    tie('list').map((value): Principal => ({ identifier: { case: 'orIds', value } })),
    tie('node').map((value): Principal => ({ identifier: { case: 'notId', value } })),
  ),
})).node;

const list = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(of, { minLength: 1, maxLength: 3 });

const ruleSet: fc.Arbitrary<Rbac> = fc
  .record({
    action: fc.constantFrom(ALLOW, DENY, LOG),
    policies: fc.dictionary(
      fc.constantFrom('p', 'q', 'r'),
      fc.record({ permissions: list(permission), principals: list(principal) }),
    ),
  })
  .map(({ action, policies }) => rules(action, policies));

/** Paths out of the pieces that parsers disagree about. */
const target: fc.Arbitrary<string> = fc
  .array(
    fc.constantFrom('a', 'b', '/', '/', '.', '..', '%2e', '%2F', '%5c', '%61', ';x', ';', '\\', '%zz', '%', 'admin'),
    { maxLength: 8 },
  )
  .map((parts) => `/${parts.join('')}`);

const request: fc.Arbitrary<NaiveRequest> = fc.record({
  method: fc.constantFrom('GET', 'POST'),
  path: fc.tuple(target, fc.constantFrom('', '?', '?/a;%2f/..')).map(([front, query]) => front + query),
  authority: fc.constant('catalog'),
  fields: fc.array(fc.tuple(fc.constantFrom('x-a', 'x-b'), fc.constantFrom('a', 'b', 'A', 'x')), { maxLength: 4 }),
});

test('rules say what a naive evaluator says, over all readings of the request', () => {
  fc.assert(
    fc.property(ruleSet, request, fc.boolean(), (enforced, asked, isKnown) => {
      const facts = isKnown ? FACTS : { ...FACTS, peerUris: [], serverName: '' };
      const head = headOf(asked);
      const decision = rbac.decide?.(rbac.read(httpRbac(enforced)), head, facts);
      head.free();
      assert.equal(decision?.allowed, naiveAllows(enforced, asked, facts), `${decision?.rule}`);
    }),
    { numRuns: 1_500 },
  );
});

test('the readings of a path are those of a plain implementation, and a path without tricks has no other', () => {
  fc.assert(
    fc.property(target, fc.constantFrom('', '?a=/../b'), (front, query) => {
      const head = Head.request('GET', front + query, 'a');
      const readings = Array.from({ length: PATH_READINGS }, (_, which) => {
        const end = writeReading(which, head);
        return head.slice(head.used, end);
      });
      assert.deepEqual(readings, [strict(front + query), lenient(front + query)]);
      if (!isAmbiguous(head, endOfPath(head))) assert.deepEqual(readings, [front + query, front + query]);
      head.free();
    }),
    { numRuns: 3_000 },
  );
});
