/** What hosts that join and leave do to those that were there: to their share and to their connections. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_BALANCE } from '../../../test/support/proxy-snapshots.ts';
import { simCluster } from '../../../test/support/sim-cluster.ts';
import type { HealthCheckConfig } from '../../snapshot/health-check-config.ts';

const CHECK: HealthCheckConfig = {
  timeoutMs: 1_000,
  intervalMs: 5_000,
  noTrafficIntervalMs: 5_000,
  noTrafficHealthyIntervalMs: 5_000,
  unhealthyIntervalMs: 5_000,
  intervalJitterMs: 0,
  intervalJitterPercent: 0,
  initialJitterMs: 0,
  unhealthyThreshold: 3,
  healthyThreshold: 2,
  reuseConnection: true,
  probe: { kind: 'http', host: '', path: '/healthz', method: 'GET', expected: [{ from: 200, to: 300 }], headers: [] },
};

for (const ignoresUnchecked of [false, true]) {
  test(`new hosts that nobody has asked yet ${ignoresUnchecked ? 'leave' : 'take'} their priority its share`, async () => {
    const balance = { ...DEFAULT_BALANCE, ignoresUnchecked };
    const { hosts, endpoints, configure, ask, runFor } = simCluster(9, { balance, healthCheck: CHECK });
    const [old, joining, spare] = [hosts.slice(0, 2), hosts.slice(2, 8), hosts.slice(8)];
    const second = endpoints(spare, { priority: 1 });
    configure([...endpoints(old), ...second]);
    await runFor(100);
    for (const host of joining) host.status = 0;
    configure([...endpoints(old), ...endpoints(joining), ...second]);
    const before = spare[0]?.requests.length ?? 0;
    // Their first checks have not ended yet.
    const asked = await ask(60);
    assert.ok(asked.every(({ waitsIn, status }) => waitsIn === null && status === 200));
    const spilt = (spare[0]?.requests.length ?? 0) - before;
    if (ignoresUnchecked) assert.ok(spilt <= 1, `${spilt} went to the second priority`);
    else assert.ok(spilt > 20, `${spilt} went to the second priority`);
    await runFor(20_000);
    const later = spare[0]?.requests.length ?? 0;
    await ask(40);
    // Found unhealthy, they count.
    assert.ok((spare[0]?.requests.length ?? 0) - later > 10);
  });
}

for (const closesOnHostChange of [false, true]) {
  test(`connections are ${closesOnHostChange ? 'made anew' : 'kept'} when a host joins or leaves`, async () => {
    const { hosts, endpoints, configure, ask } = simCluster(3, { closesOnHostChange });
    const [first] = hosts;
    configure(endpoints(hosts.slice(0, 2)));
    await ask(4);
    const connections = first?.connections.length ?? 0;
    configure(endpoints(hosts.slice(0, 2)));
    await ask(4);
    assert.equal(first?.connections.length, connections, 'nothing has changed');
    configure(endpoints(hosts));
    await ask(6);
    configure(endpoints(hosts.slice(0, 2)));
    await ask(4);
    assert.equal(first?.connections.length, connections + (closesOnHostChange ? 2 : 0));
  });
}
