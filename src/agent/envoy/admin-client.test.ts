/** What is asked of Envoy's admin endpoint, against a server that answers as it does, or not at all. */
import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createNodeRuntime } from '../../runtime/node/runtime.ts';
import { AdminClient } from './admin-client.ts';

const { net, clock } = createNodeRuntime();

async function withServer(answer: RequestListener, run: (client: AdminClient) => Promise<void>): Promise<void> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await run(new AdminClient(net, clock, { host: '127.0.0.1', port: (server.address() as AddressInfo).port }));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('readiness is a status, gauges are summed whatever the answer is cut into, and draining is asked for by POST', async () => {
  const asked: string[] = [];
  let status = 503;
  const answer: RequestListener = (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(status);
    response.write('cluster.inbound|80.upstream_rq_active: 2\ncluster.inbound|81.upst');
    setTimeout(() => response.end('ream_rq_active: 1\nnot a number: x\n'), 5);
  };
  await withServer(answer, async (client) => {
    assert.equal(await client.isReady(), false);
    status = 200;
    assert.equal(await client.isReady(), true);
    assert.equal(await client.sum('^a|b$'), 3);
    await client.failHealthChecks();
    await client.drainInbound();
  });
  assert.deepEqual(asked, [
    ...['GET /ready', 'GET /ready', 'GET /stats?filter=%5Ea%7Cb%24', 'POST /healthcheck/fail'],
    'POST /drain_listeners?inboundonly&graceful&skip_exit',
  ]);
});

test('nobody there, an end before the answer and one without end are errors that name the place', async () => {
  const nobody = new AdminClient(net, clock, { host: '127.0.0.1', port: 1 });
  await assert.rejects(nobody.isReady(), { code: 'unavailable', where: '127.0.0.1:1' });
  await withServer(
    (request) => request.socket.destroy(),
    async (client) => {
      await assert.rejects(client.isReady(), { code: 'unavailable' });
    },
  );
  const flood: RequestListener = (_request, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536, 'x')));
    };
    response.on('drain', more);
    more();
  };
  await withServer(flood, (client) => assert.rejects(client.sum(''), /too long/));
});
