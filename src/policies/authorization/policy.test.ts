/** What an AuthorizationPolicy and a FaultInjection may say: each mistake is named at its field. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readResource } from '../../api/validate.ts';
import { meshKinds } from '../kinds.ts';

function problems(kind: string, spec: unknown): string[] {
  const document = { apiVersion: 'weft.mesh/v1', kind, metadata: { name: 'x' }, spec };
  return readResource(meshKinds, document, 'shop').violations.map(({ path, message }) => `${path}: ${message}`);
}

const authorization = (rule: object) => problems('AuthorizationPolicy', { action: 'DENY', rules: [rule] });
const from = (source: object) => authorization({ from: [source] });
const to = (operation: object) => authorization({ to: [operation] });

test('a policy has an action, rules unless it allows nothing, and names of rules that differ', () => {
  assert.deepEqual(problems('AuthorizationPolicy', { action: 'ALLOW' }), []);
  assert.match(
    problems('AuthorizationPolicy', { action: 'DENY' })[0] ?? '',
    /^spec\.rules: must have at least one rule/,
  );
  assert.match(problems('AuthorizationPolicy', { rules: [{}] })[0] ?? '', /^spec\.action: /);
  const twice = { action: 'ALLOW', rules: [{ name: 'a' }, { name: 'a' }] };
  assert.deepEqual(problems('AuthorizationPolicy', twice), ['spec.rules[1].name: repeats the name of rules[0]']);
  const both = {
    action: 'ALLOW',
    targetRefs: [{ group: '', kind: 'Service', name: 'a' }],
    selector: { matchLabels: { a: 'b' } },
  };
  assert.match(problems('AuthorizationPolicy', both)[0] ?? '', /^spec\.selector: must not stand beside targetRefs/);
});

test('callers are SPIFFE ids, accounts and addresses', () => {
  for (const id of [
    '*',
    'spiffe://weft.local/ns/shop/sa/web',
    'spiffe://weft.local/ns/shop/*',
    'spiffe://weft.local/ns/sh*',
  ])
    assert.deepEqual(from({ principals: [id] }), [], id);
  for (const id of ['', 'web', 'spiffe://weft.local/*/sa/web', 'https://weft.local', '**', 'spiffe://Weft.local/x'])
    assert.equal(from({ principals: [id] }).length, 1, id);
  for (const block of ['10.0.0.1', '10.0.0.0/8', 'fd00::/8', '::1'])
    assert.deepEqual(from({ ipBlocks: [block] }), [], block);
  for (const block of ['10.0.0', '10.0.0.0/33', 'fd00::/129', 'localhost', '10.0.0.0/8/8'])
    assert.equal(from({ ipBlocks: [block] }).length, 1, block);
  assert.deepEqual(from({ serviceAccounts: ['web', 'lab/web'] }), []);
  assert.equal(from({ serviceAccounts: ['a/b/c'] }).length, 1);
  assert.equal(from({ namespaces: [] }).length, 1, 'an empty list means nothing');
});

test('a path that never arrives as it is written is refused: the rule would never hold', () => {
  for (const value of ['/', '/a', '/a/', '/shop.Catalog/Get', '/.well-known/x'])
    assert.deepEqual(to({ paths: [{ value }] }), []);
  for (const value of ['a', '/a//b', '/a/../b', '/a/.', '/a%2fb', '/a;b', '/a?b', '/a#b', '/ä', '/a b'])
    assert.equal(to({ paths: [{ value }] }).length, 1, value);
  assert.equal(to({ methods: ['get'] }).length, 1);
});

test('a header has a value unless it is only present, and is not one that the proxy writes', () => {
  const header = (written: object) => authorization({ headers: [{ name: 'x-a', ...written }] });
  assert.deepEqual(header({ value: 'b' }), []);
  assert.deepEqual(header({ type: 'Present', not: true }), []);
  assert.equal(header({}).length, 1);
  assert.equal(header({ type: 'Present', value: 'b' }).length, 1);
  assert.equal(header({ name: 'X-Forwarded-Client-Cert', value: 'b' }).length, 1);
});

test('a fault delays or aborts, in a share of requests, with one status', () => {
  const targetRefs = [{ group: '', kind: 'Service', name: 'a' }];
  const fault = (spec: object) => problems('FaultInjection', { targetRefs, ...spec });
  assert.deepEqual(fault({ delay: { fixed: '1s', percentage: 0.0001 }, until: '2026-01-01T00:00:00+01:00' }), []);
  assert.deepEqual(fault({ abort: { grpcStatus: 14 } }), []);
  assert.match(fault({})[0] ?? '', /^spec: must have delay or abort/);
  assert.match(fault({ abort: {} })[0] ?? '', /^spec\.abort: must have one of httpStatus and grpcStatus/);
  assert.match(fault({ abort: { httpStatus: 503, grpcStatus: 14 } })[0] ?? '', /one of/);
  for (const percentage of [-1, 101, 0.00001]) assert.equal(fault({ delay: { fixed: '1s', percentage } }).length, 1);
  assert.equal(fault({ delay: { fixed: '2h' } }).length, 1);
  assert.equal(fault({ delay: { fixed: '1s' }, until: 'tomorrow' }).length, 1);
});
