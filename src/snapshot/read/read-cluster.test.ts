import assert from 'node:assert/strict';
import { test } from 'node:test';
import type * as m from '../../xds/tables/messages.gen.ts';
import { Cluster_DiscoveryType, Cluster_LbPolicy } from '../../xds/tables/messages.gen.ts';
import * as t from '../../xds/tables/tables.gen.ts';
import { encode } from '../../xds/wire/encode.ts';
import { create } from '../../xds/wire/table.ts';
import { readCluster } from './read-cluster.ts';

const original = (parts: Partial<m.Cluster> = {}, config: Partial<m.Cluster_OriginalDstLbConfig> = {}) =>
  readCluster(
    encode(
      t.ClusterTable,
      create(t.ClusterTable, {
        name: 'captured',
        clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.ORIGINAL_DST },
        lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
        lbConfig: { case: 'originalDstLbConfig', value: create(t.Cluster_OriginalDstLbConfigTable, config) },
        ...parts,
      }),
    ),
  );

test('a cluster of original destinations: how long hosts are kept, and the port', () => {
  const { discovery, hostCleanupMs, originalPort } = original();
  assert.deepEqual([discovery, hostCleanupMs, originalPort], ['original-dst', 5_000, 0]);
  assert.equal(original({ cleanupInterval: 60_000 }).hostCleanupMs, 60_000);
  assert.equal(original({}, { upstreamPortOverride: 8080 }).originalPort, 8080);
  assert.throws(() => original({ cleanupInterval: 0 }), /cleanup_interval/);
  assert.throws(() => original({}, { upstreamPortOverride: 70_000 }), /70000 is not a port/);
});

test('a destination that a request could choose is refused', () => {
  assert.throws(() => original({}, { useHttpHeader: true }), /use_http_header/);
  assert.throws(() => original({}, { httpHeaderName: 'x-to' }), /http_header_name/);
});
