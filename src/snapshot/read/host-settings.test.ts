import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forwardFrom, tableFrom } from './test/route-json.ts';

test('a virtual host that requires TLS of anybody says so, and its table', () => {
  const host = (parts: object) => ({ name: 'a', domains: ['a'], routes: [], ...parts });
  const table = (...hosts: readonly object[]) => tableFrom({ name: 'table', virtual_hosts: hosts });
  assert.equal(table(host({})).requiresTls, false);
  for (const level of ['ALL', 'EXTERNAL_ONLY']) {
    const both = table(host({ require_tls: level }), { ...host({}), name: 'b', domains: ['b'] });
    assert.deepEqual([both.requiresTls, ...both.hosts.map(({ requiresTls }) => requiresTls)], [true, true, false]);
  }
});

test('tries are counted where the host says so', () => {
  const counts = (host: Parameters<typeof forwardFrom>[1]) => {
    const { countsTries, tellsTries } = forwardFrom({}, host);
    return [countsTries, tellsTries];
  };
  assert.deepEqual(counts({}), [false, false]);
  assert.deepEqual(counts({ include_request_attempt_count: true }), [true, false]);
  assert.deepEqual(counts({ include_attempt_count_in_response: true }), [false, true]);
});
