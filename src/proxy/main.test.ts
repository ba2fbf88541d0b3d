import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SettableSvid } from '../../test/support/real-svids.ts';
import { RawPeer, responseOf, svidOf } from '../../test/support/sim-mesh.ts';
import { RecordingLog } from '../core/log.ts';
import { Simulation } from '../runtime/sim/simulation.ts';
import { type RunningProxy, startProxy } from './main.ts';

async function start() {
  const svid = await svidOf('web');
  const sim = new Simulation({ seed: 51 });
  const runtime = sim.start('10.0.0.1');
  const log = new RecordingLog('info');
  let proxy: RunningProxy | undefined;
  void startProxy({
    runtime,
    log,
    node: { id: 'shop/web-1', cluster: 'web', metadata: { kind: 'weft' } },
    control: {
      kind: 'mesh',
      xds: { host: '10.0.0.9', port: 7444 },
      svid: new SettableSvid(svid),
      trustBundlePem: '',
    },
    version: '1.2.3',
    admin: { host: '127.0.0.1', port: 0 },
    statePath: null,
    egressProxy: null,
    accessLogPath: null,
  }).then((running) => {
    proxy = running;
  });
  await sim.run(() => proxy !== undefined, 1_000);
  assert.ok(proxy !== undefined);
  const at = proxy.adminAddress;
  const ask = async (line: string, host = `127.0.0.1:${at.port}`, more = '') => {
    const peer = new RawPeer((self) => runtime.net.connect(at, self));
    peer.send(`${line} HTTP/1.1\r\nhost: ${host}\r\n${more}\r\n`);
    await sim.run(() => responseOf(peer) !== null || peer.closed !== null, 1_000);
    return responseOf(peer);
  };
  return { sim, ask, log };
}

test('without a control plane the proxy is up and says what it waits for', async () => {
  const { ask } = await start();
  const ready = await ask('GET /ready');
  assert.equal(ready?.status, 503);
  assert.equal(ready?.body, 'INITIALIZING\nwaiting for the configuration\n');
});

test('the admin endpoint answers in the forms that were promised', async () => {
  const { ask } = await start();
  for (const path of [
    '/stats?format=json',
    '/clusters?format=json',
    '/config_dump?include_eds',
    '/certs',
    '/listeners?format=json',
    '/server_info',
    '/weft/stats',
    '/weft/clusters',
    '/weft/certs',
    '/edges',
  ]) {
    const answer = await ask(`GET ${path}`);
    assert.equal(answer?.status, 200, path);
    JSON.parse(answer?.body ?? '');
  }
  assert.match((await ask('GET /stats?filter=server'))?.body ?? '', /^server.live: 0\n/m);
  assert.match((await ask('GET /stats?format=prometheus'))?.body ?? '', /^envoy_server_live\{\} 0$/m);
  assert.match((await ask('GET /stats/prometheus'))?.body ?? '', /^# TYPE /);
  const edges = JSON.parse((await ask('GET /edges'))?.body ?? '{}') as { service: string };
  assert.equal(edges.service, 'web.shop');
  const held = await ask('GET /csds');
  assert.equal(held?.status, 200);
  assert.match(held.body, /shop\/web-1/);
  assert.equal((await ask('GET /nothing'))?.status, 404);
  assert.equal((await ask('GET /drain'))?.status, 405);
});

test('no page of the web can ask it: the host must be a loopback name', async () => {
  const { ask } = await start();
  assert.equal((await ask('GET /config_dump', 'evil.example'))?.status, 403);
  assert.equal((await ask('POST /drain', 'evil.example'))?.status, 403);
});

test('no page of the web can make it drain: a form may name 127.0.0.1, but tells where it comes from', async () => {
  const { ask } = await start();
  for (const more of ['origin: https://evil.example\r\n', 'origin: null\r\n', 'sec-fetch-site: cross-site\r\n']) {
    assert.equal((await ask('POST /drain', undefined, more))?.status, 403, more);
  }
  assert.doesNotMatch((await ask('GET /ready'))?.body ?? '', /draining/);
});

test('what it shows of certificates has no key', async () => {
  const { ask } = await start();
  for (const path of ['/certs', '/weft/certs', '/config_dump']) {
    const body = (await ask(`GET ${path}`))?.body ?? '';
    if (path !== '/config_dump') assert.match(body, /spiffe:\/\/weft\.local\/ns\/shop\/sa\/web/);
    assert.doesNotMatch(body, /PRIVATE KEY/);
  }
});

test('draining is seen at /ready', async () => {
  const { ask } = await start();
  assert.equal((await ask('POST /drain'))?.status, 200);
  const ready = await ask('GET /ready');
  assert.equal(ready?.status, 503);
  assert.equal(ready?.body, 'DRAINING\ndraining\n');
});

test('POST /drain_listeners drains, and POST /logging changes the level of the log', async () => {
  const { ask, log } = await start();
  assert.equal((await ask('POST /logging?level=debug'))?.body, 'active loggers:\n  weft: debug\n');
  assert.equal(log.level, 'debug');
  assert.equal((await ask('POST /logging?level=loud'))?.status, 400);
  assert.equal((await ask('GET /logging'))?.status, 405);
  assert.equal((await ask('POST /drain_listeners?graceful&inboundonly'))?.body, 'OK\n');
  assert.match((await ask('GET /ready'))?.body ?? '', /^DRAINING\n/);
});
