import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entryFrom, forwardFrom, refusal, tableFrom } from './test/route-json.ts';

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

test('a route lists protocols to upgrade to, and bars what its listener lists', () => {
  const upgrades = (...configs: readonly object[]) => {
    const action = forwardFrom({ upgrade_configs: configs });
    return [action.upgrades, action.barredUpgrades, action.connect];
  };
  assert.deepEqual(upgrades({ upgrade_type: 'WebSocket' }, { upgrade_type: 'a', enabled: false }), [
    ['websocket'],
    ['a'],
    false,
  ]);
  assert.deepEqual(upgrades({ upgrade_type: 'CONNECT', connect_config: {} }), [['connect'], [], true]);
  assert.deepEqual(upgrades({ upgrade_type: 'CONNECT', connect_config: {}, enabled: false }), [[], ['connect'], false]);
});

test('the body of a direct response is as long as its table allows, 4 KiB where it says nothing', () => {
  const direct = (length: number, table: Parameters<typeof entryFrom>[2] = {}) =>
    entryFrom({ direct_response: { status: 200, body: { inline_string: 'x'.repeat(length) } } }, {}, table);
  assert.equal(direct(4_096).action.kind, 'direct');
  assert.match(
    refusal(() => direct(4_097)),
    /direct_response\.body/,
  );
  const table = { max_direct_response_body_size_bytes: 5_000 };
  assert.equal(direct(5_000, table).action.kind, 'direct');
  assert.throws(() => direct(5_001, table));
});
