import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  chainOf,
  clusterOf,
  DEFAULT_BALANCE,
  endpointAt,
  listenerOf,
  snapshotOf,
  tcpProxy,
} from '../../../test/support/proxy-snapshots.ts';
import { SettableSvid } from '../../../test/support/real-svids.ts';
import { planeOf, RawPeer, svidOf } from '../../../test/support/sim-mesh.ts';
import { RecordingLog } from '../../core/log.ts';
import { Simulation } from '../../runtime/sim/simulation.ts';

const AT = { host: '10.0.0.1', port: 8001 };
const HOSTS = ['10.0.1.1', '10.0.1.2', '10.0.1.3', '10.0.1.4'];
const CALLERS = Array.from({ length: 24 }, (_, i) => `10.0.2.${i + 1}`);

/** Which host each caller gets, `times` connections one after the other. */
async function hostsOf(policy: 'ring-hash' | 'maglev', hashesSource: boolean, times: number) {
  const sim = new Simulation({ seed: 9 });
  const plane = planeOf(sim.start(AT.host), 'web.shop', new SettableSvid(await svidOf('web')), new RecordingLog());
  for (const host of HOSTS) {
    void sim.start(host).net.listen({ host, port: 9000 }, (connection) => {
      const peer = new RawPeer(() => connection);
      peer.send(`${host}\n`);
      return peer;
    });
  }
  const snapshot = snapshotOf({
    listeners: [
      listenerOf('tcp', AT, [chainOf(tcpProxy('app', { hashesSource }))], { inspectTls: false, inspectHttp: false }),
    ],
    clusters: [
      clusterOf(
        'app',
        HOSTS.map((host) => endpointAt({ host, port: 9000 })),
        { balance: { ...DEFAULT_BALANCE, policy } },
      ),
    ],
  });
  void plane.use(plane.bind(snapshot));
  await sim.run(() => plane.listeners.active.length === 1, 1_000);
  const found = new Map<string, Set<string>>();
  for (const caller of CALLERS) {
    const runtime = sim.start(caller);
    const seen = new Set<string>();
    for (let i = 0; i < times; i++) {
      const peer = new RawPeer((self) => runtime.net.connect(AT, self));
      await sim.run(() => peer.text.endsWith('\n'), 1_000);
      seen.add(peer.text);
      peer.connection.end();
    }
    found.set(caller, seen);
  }
  return found;
}

for (const policy of ['ring-hash', 'maglev'] as const) {
  test(`${policy}: a caller of raw bytes gets the same host each time, and callers spread`, async () => {
    const found = await hostsOf(policy, true, 4);
    for (const [caller, seen] of found) assert.equal(seen.size, 1, caller);
    assert.equal(new Set([...found.values()].flatMap((seen) => [...seen])).size, HOSTS.length);
  });
}

test('without a hash policy a caller gets any host', async () => {
  const found = await hostsOf('maglev', false, 6);
  assert.ok([...found.values()].every((seen) => seen.size > 1));
});
