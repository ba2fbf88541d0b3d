import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Any } from '../../xds/tables/messages.gen.ts';
import * as t from '../../xds/tables/tables.gen.ts';
import { encode } from '../../xds/wire/encode.ts';
import { create } from '../../xds/wire/table.ts';
import { any, cluster } from '../sample-resources.ts';
import { readCluster } from './read-cluster.ts';

const P = 'envoy.extensions.load_balancing_policies.';
const policies = (...configs: Any[]) => ({
  policies: configs.map((typedConfig) => ({ typedExtensionConfig: { name: 'x', typedConfig } })),
});
const balanceOf = (...configs: Any[]) =>
  readCluster(encode(t.ClusterTable, cluster({ loadBalancingPolicy: policies(...configs) }))).balance;

const UNKNOWN: Any = { typeUrl: 'type.googleapis.com/test.Policy', value: new Uint8Array(0) };
const RANDOM = any(`${P}random.v3.Random`, t.RandomTable, create(t.RandomTable, {}));

test('the first policy that is known counts, and the older field does not', () => {
  assert.equal(balanceOf(UNKNOWN, RANDOM).policy, 'random');
  assert.throws(() => balanceOf(UNKNOWN), /no balancer of this proxy reads .*test.Policy/);
});

test('each policy is read with what belongs to it', () => {
  const least = create(t.LeastRequestTable, { choiceCount: 5 });
  assert.equal(balanceOf(any(`${P}least_request.v3.LeastRequest`, t.LeastRequestTable, least)).choices, 5);
  const slowStartConfig = create(t.SlowStartConfigTable, { slowStartWindow: 30_000 });
  const turns = create(t.RoundRobinTable, { slowStartConfig });
  assert.equal(balanceOf(any(`${P}round_robin.v3.RoundRobin`, t.RoundRobinTable, turns)).slowStart?.windowMs, 30_000);
  const ring = create(t.RingHashTable, { minimumRingSize: 99n });
  const hashed = balanceOf(any(`${P}ring_hash.v3.RingHash`, t.RingHashTable, ring));
  assert.deepEqual([hashed.policy, hashed.minRingSize], ['ring-hash', 99]);
  const maglev = create(t.MaglevTable, { tableSize: 101n });
  assert.equal(balanceOf(any(`${P}maglev.v3.Maglev`, t.MaglevTable, maglev)).tableSize, 101);
});

test('wrr_locality spreads over localities by weight, and within them by its own policy', () => {
  const message = create(t.WrrLocalityTable, { endpointPickingPolicy: policies(RANDOM) });
  const balance = balanceOf(any(`${P}wrr_locality.v3.WrrLocality`, t.WrrLocalityTable, message));
  assert.deepEqual([balance.policy, balance.locality.kind], ['random', 'weighted']);
});

test('what a policy asks for and cannot be done is refused with its field', () => {
  const least = create(t.LeastRequestTable, { selectionMethod: 1 });
  assert.throws(
    () => balanceOf(any(`${P}least_request.v3.LeastRequest`, t.LeastRequestTable, least)),
    /load_balancing_policy.policies\[0\].*selection_method/,
  );
});
