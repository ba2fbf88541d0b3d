import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TcpProxyConfig } from '../../xds/tables/messages.gen.ts';
import * as t from '../../xds/tables/tables.gen.ts';
import { encode } from '../../xds/wire/encode.ts';
import { create } from '../../xds/wire/table.ts';
import { readTcpProxy } from './tcp-proxy.ts';

const read = (parts: Partial<TcpProxyConfig>) =>
  readTcpProxy(
    encode(
      t.TcpProxyConfigTable,
      create(t.TcpProxyConfigTable, { clusterSpecifier: { case: 'cluster', value: 'c' }, ...parts }),
    ),
  );
const bySource = { policySpecifier: { case: 'sourceIp', value: {} } } as const;
const byState = { policySpecifier: { case: 'filterState', value: { key: 'k' } } } as const;

test('the caller’s address may decide the host, nothing else, and only once', () => {
  assert.equal(read({}).hashesSource, false);
  assert.equal(read({ hashPolicy: [bySource] }).hashesSource, true);
  assert.throws(() => read({ hashPolicy: [byState] }), /only source_ip is known \(hash_policy\[0\]\)/);
  assert.throws(() => read({ hashPolicy: [bySource, bySource] }), /at most one \(hash_policy\)/);
});
