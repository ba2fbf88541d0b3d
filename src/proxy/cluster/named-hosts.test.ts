import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simCluster } from '../../../test/support/sim-cluster.ts';
import type { DnsConfig } from '../../snapshot/dns-config.ts';
import { endpointAt } from '../../../test/support/proxy-snapshots.ts';

const DNS: DnsConfig = { refreshMs: 5_000, failure: null, family: 'auto' };
const BY_NAME = [endpointAt({ host: 'db.example', port: 80 })];

test('every address of a name is a host, requests wait for the first answer, and a new answer is followed', async () => {
  const { sim, configure, beginAt, runFor, cluster } = simCluster(3);
  sim.setName('db.example', ['10.0.1.1', '10.0.1.2']);
  const named = configure(BY_NAME, { discovery: 'strict-dns', dns: DNS });
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
  const named = configure(BY_NAME, { discovery: 'strict-dns', dns: { ...DNS, refreshMs: 1_000 } });
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

test('which addresses of a name are hosts is for the family that is asked for', async () => {
  const both = ['fd00::1', '10.0.1.1'];
  const v6 = '[fd00::1]:80';
  const v4 = '10.0.1.1:80';
  const cases: readonly (readonly [DnsConfig['family'], readonly string[], readonly string[]])[] = [
    ['auto', both, [v6]],
    ['v4', both, [v4]],
    ['v6', both, [v6]],
    ['v4-preferred', both, [v4]],
    ['v4-preferred', ['fd00::1'], [v6]],
    ['all', both, [v4, v6]],
    ['v4', ['fd00::1'], []],
  ];
  for (const [family, addresses, expected] of cases) {
    const { sim, configure, runFor } = simCluster(1);
    sim.setName('db.example', addresses);
    const named = configure(BY_NAME, { discovery: 'strict-dns', dns: { ...DNS, family } });
    await runFor(100);
    assert.deepEqual(named.hosts.map(({ key }) => key).toSorted(), [...expected].toSorted(), family);
  }
});

test('after a failure names are asked for again sooner, and less and less often', async () => {
  const failure = { baseIntervalMs: 50, maxIntervalMs: 200 };
  const { sim, configure, runFor } = simCluster(1);
  const named = configure(BY_NAME, { discovery: 'strict-dns', dns: { refreshMs: 60_000, failure, family: 'auto' } });
  await runFor(1_000);
  assert.deepEqual(named.hosts, []);
  sim.setName('db.example', ['10.0.1.1']);
  await runFor(400);
  assert.deepEqual(
    named.hosts.map(({ key }) => key),
    ['10.0.1.1:80'],
  );
  // Well again, it is asked for as often as before.
  sim.setName('db.example', ['10.0.1.2']);
  await runFor(1_000);
  assert.deepEqual(
    named.hosts.map(({ key }) => key),
    ['10.0.1.1:80'],
  );
});
