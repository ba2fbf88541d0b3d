import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeClock } from '../runtime/node/clock.ts';
import { controlPlaneTls } from './control-plane-tls.ts';
import type { Svid } from './svid.ts';

test('one SVID under one trust bundle is one identity, by which sessions are resumed; a renewed one is another', () => {
  const svid: Svid = {
    ...{ id: 'spiffe://weft.local/ns/shop/sa/web', certificateChainPem: 'chain', privateKeyPem: 'key' },
    ...{ notBefore: 0, notAfter: 1 },
  };
  const identity = (of: Svid, bundle: string) => controlPlaneTls(of, bundle, nodeClock)?.identity;
  const first = identity(svid, 'bundle');
  assert.equal(identity(svid, 'bundle'), first);
  assert.notEqual(identity({ ...svid }, 'bundle'), first);
  const rotated = identity(svid, 'bundle of two');
  assert.notEqual(rotated, first);
  assert.equal(rotated?.trustBundlePem, 'bundle of two');
});
