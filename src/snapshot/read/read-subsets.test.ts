import assert from 'node:assert/strict';
import { test } from 'node:test';
import type * as m from '../../xds/tables/messages.gen.ts';
import { Cluster_DiscoveryType as Discovery } from '../../xds/tables/messages.gen.ts';
import * as t from '../../xds/tables/tables.gen.ts';
import { encode } from '../../xds/wire/encode.ts';
import { create } from '../../xds/wire/table.ts';
import { any, cluster } from '../sample-resources.ts';
import { readCluster } from './read-cluster.ts';
import { readSubsetMatch } from './read-subsets.ts';

type Selector = Partial<m.Cluster_LbSubsetConfig_LbSubsetSelector>;

const selectors = (...parts: readonly Selector[]) =>
  parts.map((each) => create(t.Cluster_LbSubsetConfig_LbSubsetSelectorTable, each));
const subsetsOf = (config: Partial<m.Cluster_LbSubsetConfig>, more: Partial<m.Cluster> = {}) => {
  const lbSubsetConfig = create(t.Cluster_LbSubsetConfigTable, config);
  return readCluster(encode(t.ClusterTable, cluster({ lbSubsetConfig, ...more }))).balance.subsets;
};
const labels = (fields: Readonly<Record<string, string | number>>) =>
  create(t.MetadataTable, { filterMetadata: new Map([['envoy.lb', fields]]) });

test('what a cluster says of subsets is read, keys in order; without selectors there are none', () => {
  assert.equal(subsetsOf({ fallbackPolicy: 1 }), null);
  assert.deepEqual(
    subsetsOf({
      fallbackPolicy: 2,
      defaultSubset: { stage: 'prod' },
      subsetSelectors: selectors(
        { keys: ['version', 'stage'], fallbackPolicy: 4, fallbackKeysSubset: ['stage'] },
        { keys: ['id'], singleHostPerSubset: true },
      ),
      listAsAny: true,
      panicModeAny: true,
      metadataFallbackPolicy: 1,
    }),
    {
      fallback: 'default',
      defaultSubset: [{ key: 'stage', value: '"prod"' }],
      selectors: [
        { keys: ['stage', 'version'], singleHost: false, fallback: 'keys', fallbackKeys: ['stage'] },
        { keys: ['id'], singleHost: true, fallback: 'unset', fallbackKeys: [] },
      ],
      localityWeightAware: false,
      scaleLocalityWeight: false,
      listAsAny: true,
      panicModeAny: true,
      fallbackList: true,
      allowRedundantKeys: false,
    },
  );
});

test('the policy of that name means the same, and says how each subset is balanced', () => {
  const policy = (name: string, bytes: Uint8Array) => ({
    policies: [
      { typedExtensionConfig: { name, typedConfig: { typeUrl: `type.googleapis.com/${name}`, value: bytes } } },
    ],
  });
  const random = policy('envoy.extensions.load_balancing_policies.random.v3.Random', new Uint8Array(0));
  const message = create(t.SubsetTable, { subsetLbPolicy: random, allowRedundantKeys: true, fallbackPolicy: 1 });
  const name = 'envoy.extensions.load_balancing_policies.subset.v3.Subset';
  const { value } = any(name, t.SubsetTable, message);
  const { balance } = readCluster(encode(t.ClusterTable, cluster({ loadBalancingPolicy: policy(name, value) })));
  assert.deepEqual(
    [balance.policy, balance.subsets?.fallback, balance.subsets?.allowRedundantKeys],
    ['random', 'any', true],
  );
});

test('what cannot be meant is refused with its field', () => {
  const at = /lb_subset_config.subset_selectors\[0\].fallback_keys_subset/;
  const keys = ['a', 'b'];
  for (const fallbackKeysSubset of [[], ['c'], ['b', 'a']]) {
    assert.throws(() => subsetsOf({ subsetSelectors: selectors({ keys, fallbackPolicy: 4, fallbackKeysSubset }) }), at);
  }
  const some = { subsetSelectors: selectors({ keys }) };
  assert.throws(() => subsetsOf({ ...some, fallbackPolicy: 7 }), /lb_subset_config.fallback_policy/);
  assert.throws(() => subsetsOf({ ...some, localityWeightAware: true }), /locality_weight_aware/);
  assert.throws(
    () => subsetsOf(some, { clusterDiscoveryType: { case: 'type', value: Discovery.ORIGINAL_DST }, lbPolicy: 6 }),
    /lb_subset_config/,
  );
  assert.throws(
    () => subsetsOf(some, { loadBalancingPolicy: create(t.LoadBalancingPolicyTable, {}) }),
    /stands beside load_balancing_policy/,
  );
});

test('what a weighted cluster asks for counts before what its route does, label by label', () => {
  const both = readSubsetMatch(labels({ stage: 'prod', version: 1 }), labels({ version: 2 }));
  assert.deepEqual(both?.labels, [
    { key: 'stage', value: '"prod"' },
    { key: 'version', value: '2' },
  ]);
  assert.equal(readSubsetMatch(undefined, create(t.MetadataTable, {})), null);
  assert.deepEqual(readSubsetMatch(undefined, labels({ a: 'b' }))?.labels, [{ key: 'a', value: '"b"' }]);
});
