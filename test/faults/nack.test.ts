/** A proxy that refuses a resource is seen in `weft status` and `weft proxy-status`: which one, why, and which line of which file it came from. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { silentLog } from '../../src/core/log.ts';
import { TimerWheel } from '../../src/core/timer-wheel.ts';
import type { Svid } from '../../src/identity/svid.ts';
import { meshChannel } from '../../src/proxy/config/mesh-sources.ts';
import { streamPath } from '../../src/xds/service-paths.ts';
import { ControlLink } from '../../src/proxy/config/control-link.ts';
import { createNodeRuntime } from '../../src/runtime/node/runtime.ts';
import { DeltaClient } from '../../src/xds/client/delta-client.fixture.ts';
import { TYPE_URLS } from '../../src/xds/resource.ts';
import { NodeTable } from '../../src/xds/tables/tables.gen.ts';
import { create } from '../../src/xds/wire/table.ts';
import { until } from '../support/child.ts';
import { LiveMesh } from '../support/live-mesh.ts';
import { SettableSvid } from '../support/real-svids.ts';
import { type Member, startInstance } from './shop.ts';

const REASON = 'this proxy takes no such route';

const CANARY = `# A canary.
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: canary }
spec:
  parentRefs: [{ group: "", kind: Service, name: catalog }]
  rules:
    - backendRefs: [{ name: catalog, port: 80 }]
`;

describe('a proxy that refuses a resource', () => {
  const mesh = new LiveMesh();
  let catalog: Member;

  before(async () => {
    await mesh.start();
    // Without a word on what it uses it would get routes as they are asked for.
    catalog = await startInstance(mesh, 'catalog-1', { flags: ['--uses', 'catalog'] });
  });
  after(() => mesh.close());

  test('shows in weft status with the resource, the reason and the line of the file that it came from', async () => {
    const path = join(mesh.stateDir, 'workloads/default/catalog-1/svid.json');
    const { svid } = JSON.parse(readFileSync(path, 'utf8')) as { svid: Svid };
    const file = join(mesh.directory, 'canary.yaml');
    writeFileSync(file, CANARY);
    assert.equal((await mesh.weft(['apply', '-f', file])).code, 0);
    // Its own sidecar would take the stream back.
    catalog.child.signal('SIGSTOP');
    const runtime = createNodeRuntime({ log: silentLog });
    const [host = '', port = ''] = mesh.admin.xds.split(':');
    const node = create(NodeTable, { id: 'default/catalog-1', cluster: 'catalog', userAgentName: 'test' });
    const client = new DeltaClient({
      node,
      wallMs: () => Date.now(),
      apply: ({ type, changed }) =>
        type === TYPE_URLS.routes ? changed.map(({ name }) => ({ name, reason: REASON })) : [],
    });
    const routes = 'outbound|80|catalog.default';
    client.want(TYPE_URLS.routes, new Set([routes]));
    const link = new ControlLink({
      clock: runtime.clock,
      random: runtime.random,
      rpc: runtime.rpc,
      timers: new TimerWheel(runtime.clock),
      log: silentLog,
      channel: meshChannel({
        clock: runtime.clock,
        address: { host, port: Number(port) },
        svid: new SettableSvid(svid),
        trustBundlePem: () => mesh.admin.caPem,
      }),
      path: streamPath(null, 'delta'),
      stream: client,
      onMessage: () => link.flush(),
      onDown: () => {},
    });
    link.open();
    try {
      const told = await until('the refusal shows', 10_000, async () => {
        const { stdout } = await mesh.weft(['status']);
        return stdout.includes('refused') ? stdout : null;
      });
      assert.ok(told.includes(`default/catalog-1 refused RouteConfiguration ${routes}`), told);
      assert.ok(told.includes(REASON), told);
      assert.ok(told.includes(`${file}:2`), told);
      const { stdout } = await mesh.weft(['proxy-status', 'catalog-1']);
      assert.match(stdout, /^default\/catalog-1 .* NACK \d+s /m);
      for (const part of [`refused RouteConfiguration ${routes}, `, REASON, `${file}:2`]) {
        assert.ok(stdout.includes(part), stdout);
      }
    } finally {
      link.close();
      catalog.child.signal('SIGCONT');
    }
  });
});
