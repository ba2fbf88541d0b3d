import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simCluster } from '../../../test/support/sim-cluster.ts';
import { endpointAt } from '../../../test/support/proxy-snapshots.ts';

const BY_NAME = [endpointAt({ host: 'db.example', port: 80 })];

test('every address of a name is a host, requests wait for the first answer, and a new answer is followed', async () => {
  const { sim, configure, beginAt, runFor, cluster } = simCluster(3);
  sim.setName('db.example', ['10.0.1.1', '10.0.1.2']);
  const named = configure(BY_NAME, { discovery: 'strict-dns', dnsRefreshMs: 5_000 });
  assert.notEqual(named, cluster, 'hosts from a list and hosts from names do not mix');
  const attempt = beginAt(named);
  assert.notEqual(attempt.waitsIn, null);
  await runFor(100);
  assert.equal(attempt.status, 200);
  assert.deepEqual(
    named.hosts.map(({ key }) => key),
    ['10.0.1.1:80', '10.0.1.2:80'],
  );
  const [kept] = named.hosts;
  sim.setName('db.example', ['10.0.1.1', '10.0.1.3']);
  await runFor(6_000);
  assert.deepEqual(
    named.hosts.map(({ key }) => key),
    ['10.0.1.1:80', '10.0.1.3:80'],
  );
  assert.equal(named.hosts[0], kept, 'its state is kept');
});

test('when a name cannot be resolved any more its last addresses serve on', async () => {
  const { sim, configure, runFor, log } = simCluster(1);
  sim.setName('db.example', ['10.0.1.1']);
  const named = configure(BY_NAME, { discovery: 'strict-dns', dnsRefreshMs: 1_000 });
  await runFor(100);
  sim.setName('db.example', []);
  await runFor(5_000);
  assert.deepEqual(
    named.hosts.map(({ key }) => key),
    ['10.0.1.1:80'],
  );
  assert.ok(log.messages('warn').includes('cannot resolve'));
});

test('of an answer in both families only the one that the resolver prefers is used', async () => {
  const { sim, configure, runFor } = simCluster(1);
  sim.setName('db.example', ['10.0.1.1', 'fd00::1', '10.0.1.2']);
  const named = configure(BY_NAME, { discovery: 'strict-dns' });
  await runFor(100);
  assert.deepEqual(
    named.hosts.map(({ key }) => key),
    ['10.0.1.1:80', '10.0.1.2:80'],
  );
});

test('a name without an address refuses requests as soon as that is known, and a cluster that is gone asks no more', async () => {
  const { configure, clusters, sim, timers, runFor, beginAt } = simCluster(1);
  const named = configure(BY_NAME, { discovery: 'strict-dns' });
  const attempt = beginAt(named);
  assert.equal(attempt.refused, '');
  await runFor(50);
  assert.equal(attempt.refused, 'UH');
  clusters.close();
  await sim.run(() => false, 20_000);
  assert.equal(timers.size, 0);
});
