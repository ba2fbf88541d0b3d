import assert from 'node:assert/strict';
import test from 'node:test';
import type { RpcStatus, RpcStream, TlsOptions } from '../../core/runtime.ts';
import { silentLog } from '../../core/log.ts';
import { TimerWheel } from '../../core/timer-wheel.ts';
import { createNodeRuntime } from '../../runtime/node/runtime.ts';
import { servingRpcOverHttp2 } from '../../xds/rpc/rpc-over-http2.ts';
import { createAuthority } from '../../runtime/test/certificates.ts';
import { DeltaClient } from '../../xds/client/delta-client.fixture.ts';
import { NodeTable } from '../../xds/tables/tables.gen.ts';
import { create } from '../../xds/wire/table.ts';
import { EDS, resource, TestViews, WEB_ID } from './publisher.fixture.ts';
import { DELTA_ADS } from './methods.ts';
import { Publisher } from './publisher.ts';

/** A proxy's end over a real connection. */
function dial(open: (handler: Parameters<ReturnType<typeof createNodeRuntime>['rpc']['open']>[2]) => RpcStream) {
  const changed = Promise.withResolvers<string>();
  const closed = Promise.withResolvers<RpcStatus>();
  const client = new DeltaClient({
    node: create(NodeTable, { id: 'shop/web-1', cluster: 'web' }),
    wallMs: () => 0,
    apply: (delta) => {
      changed.resolve(new TextDecoder().decode(delta.changed[0]?.bytes));
      return [];
    },
  });
  client.want(EDS, new Set(['catalog']));
  client.open();
  const flush = (): void => {
    for (let next = client.next(); next !== null; next = client.next()) stream.send(next);
  };
  const stream = open({
    onMessage: (message) => {
      client.onMessage(message);
      flush();
    },
    onWritable: () => {},
    onClose: (status) => closed.resolve(status),
  });
  flush();
  return { stream, changed: changed.promise, closed: closed.promise };
}

test('over real mTLS a proxy gets and acknowledges its view, and another workload is refused', async (t) => {
  const authority = await createAuthority('weft test');
  const runtime = createNodeRuntime();
  const views = new TestViews();
  views.set('shop/web-1', 'endpoints', resource(EDS, 'catalog', 'over the wire'));
  const timers = new TimerWheel(runtime.clock);
  const publisher = new Publisher({ clock: runtime.clock, timers, log: silentLog, views, authorize: () => null });
  const common = { alpn: ['h2'], requirePeerCertificate: true, verifyPeer: null };
  const server: TlsOptions = {
    ...common,
    role: 'server',
    serverName: null,
    identity: await authority.issue({ dnsNames: ['localhost'] }),
  };
  const rpc = servingRpcOverHttp2({ ...runtime, timers }, silentLog);
  const listener = await publisher.listen(rpc, { host: '127.0.0.1', port: 0 }, server);
  t.after(() => listener.close());
  t.after(() => publisher.close());
  const dialAs = async (commonName: string) => {
    const identity = await authority.issue({ uris: [WEB_ID], commonName });
    const tls: TlsOptions = { ...common, role: 'client', serverName: 'localhost', identity };
    return dial((handler) => runtime.rpc.open({ address: listener.address, tls }, DELTA_ADS.path, handler));
  };

  const other = await dialAs('shop/web-2');
  const refusal = await other.closed;
  assert.equal(refusal.code, 7);
  assert.match(refusal.message, /certificate is of "shop\/web-2"/);

  const proxy = await dialAs('shop/web-1');
  assert.equal(await proxy.changed, 'over the wire');
  assert.equal(await publisher.waitForAck({ type: EDS, name: 'catalog' }, 5000), true);
  publisher.close();
  assert.equal((await proxy.closed).code, 14);
});
