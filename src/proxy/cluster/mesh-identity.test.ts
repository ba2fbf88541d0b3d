import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SettableSvid } from '../../../test/support/real-svids.ts';
import { meshTls } from '../../../test/support/proxy-snapshots.ts';
import { svidOf } from '../../../test/support/sim-mesh.ts';
import { Simulation } from '../../runtime/sim/simulation.ts';
import { MeshIdentity } from './mesh-identity.ts';

test('a root that was replaced is not trusted again because the newer bundle went missing', async () => {
  const { clock } = new Simulation({ seed: 3 }).start();
  const identity = new MeshIdentity(clock, new SettableSvid(await svidOf('web')), 'first roots');
  const roots = () => identity.tls(meshTls(['web']))?.trustBundlePem;
  assert.equal(roots(), 'first roots');
  identity.setSecrets(new Map([['trust-bundle', { name: 'trust-bundle', pem: 'newer roots' }]]));
  assert.equal(roots(), 'newer roots');
  identity.setSecrets(new Map());
  assert.equal(roots(), 'newer roots');
});
