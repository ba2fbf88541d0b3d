import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PeerCertificate } from '../core/runtime.ts';
import { keyOf, type Resource } from '../api/resource.ts';
import { authorizeNode, recordedKind } from './authorize-node.ts';
import { MeshIndex } from './index/mesh-index.ts';

const CART: Resource = {
  apiVersion: 'weft.mesh/v1',
  kind: 'Workload',
  metadata: { name: 'cart-1', namespace: 'shop', uid: 'cart-1', resourceVersion: '1' },
  spec: { service: 'cart', account: 'cart', address: '10.0.0.1', ports: [], proxy: 'envoy' },
};

function index(): MeshIndex {
  const mesh = new MeshIndex();
  mesh.apply({ cursor: '', replace: true, changes: [{ key: keyOf(CART), value: CART }] });
  return mesh;
}

function certificate(commonName: string, account: string): PeerCertificate {
  const uris = [`spiffe://weft.test/ns/shop/sa/${account}`];
  return { uris, dnsNames: [], commonName, notAfter: 0, serialNumber: '1', extendedKeyUsages: [] };
}

test('a node is who its certificate was issued to, registered, and of the account that it is registered with', () => {
  const authorize = authorizeNode(index());
  assert.equal(authorize('shop/cart-1', certificate('shop/cart-1', 'cart')), null);
  assert.match(authorize('shop/cart-1', certificate('shop/cart-2', 'cart')) ?? '', /was issued to shop\/cart-2/);
  assert.match(authorize('shop/cart-1', certificate('shop/cart-1', 'web')) ?? '', /another account/);
  assert.match(authorize('shop/cart-9', certificate('shop/cart-9', 'cart')) ?? '', /not registered/);
  const nobody = { ...certificate('shop/cart-1', 'cart'), uris: [] };
  assert.match(authorize('shop/cart-1', nobody) ?? '', /another account/);
});

test('the kind of a proxy is what its record says', () => {
  const kindOf = recordedKind(index());
  assert.deepEqual([kindOf('shop/cart-1'), kindOf('shop/cart-9')], ['envoy', '']);
});
