/** When an application counts as answering, on real sockets. */
import assert from 'node:assert/strict';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, test } from 'node:test';
import { createNodeRuntime } from '../runtime/node/runtime.ts';
import { waitUntilAnswering } from './app-probe.ts';

const { net, clock } = createNodeRuntime();
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listening(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer(onConnection);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return address.port;
}

test('a gRPC server that accepts and closes does not answer yet; one that holds the connection does', async () => {
  let serves = false;
  let asked = 0;
  const port = await listening((socket) => {
    socket.on('error', () => {});
    asked += 1;
    if (!serves) socket.destroy();
    if (asked === 5) serves = true;
  });
  const probe = { host: '127.0.0.1', ports: [port], heldMs: 50, onSlow: () => {} };
  assert.equal(await waitUntilAnswering(net, clock, probe, new AbortController().signal), true);
  assert.ok(asked > 5, `${asked} times asked`);
});

test('to accept is enough where nothing is to be held', async () => {
  const port = await listening((socket) => socket.destroy());
  const probe = { host: '127.0.0.1', ports: [port], heldMs: 0, onSlow: () => {} };
  assert.equal(await waitUntilAnswering(net, clock, probe, new AbortController().signal), true);
});

test('an application that never serves is waited for until the end', async () => {
  const port = await listening((socket) => socket.destroy());
  const over = new AbortController();
  const probe = { host: '127.0.0.1', ports: [port], heldMs: 50, onSlow: () => {} };
  const answering = waitUntilAnswering(net, clock, probe, over.signal);
  setTimeout(() => over.abort(), 200);
  assert.equal(await answering, false);
});
