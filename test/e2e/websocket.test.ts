/** WebSockets through the mesh: the upgrade passes, frames of every size come back, and either side may close. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { missing } from '../support/components.ts';
import { freePort, LiveMesh } from '../support/live-mesh.ts';
import type { MeshShell } from '../support/mesh-shell.ts';

const apps = join(import.meta.dirname, 'apps');
const client = `'${process.execPath}' '${join(apps, 'websocket-client.mjs')}'`;

const mesh = new LiveMesh();
let shell: MeshShell;

before(async () => {
  await mesh.start();
  const port = await freePort();
  await mesh.serve(
    { service: 'echo', ports: [port] },
    process.execPath,
    join(apps, 'websocket-echo.mjs'),
    String(port),
  );
  shell = await mesh.shell({ service: 'chat', uses: ['echo'] });
});
after(() => mesh.close());

test('Node’s WebSocket by the service’s name echoes texts and a mebibyte, and the client closes', async () => {
  assert.equal(await shell.output(`${client} ws://echo/`), 'closed 4000\n');
});

test('by the service’s address, and the server closes', async () => {
  const url = '"ws://$ECHO_SERVICE_HOST:$ECHO_SERVICE_PORT/"';
  assert.equal(await shell.output(`${client} ${url} server-closes`), 'closed 4000\n');
});

test('the upgrade of a client that speaks absolute form to the proxy passes too', {
  skip: missing('curl'),
}, async () => {
  const fields = [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ];
  const { stdout } = await shell.exec(
    `curl -sS -i -m 2 ${fields.map((field) => `-H '${field}'`).join(' ')} http://echo/`,
  );
  assert.match(stdout, /^HTTP\/1\.1 101 /);
  assert.match(stdout, /Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/i);
});

test('a request that does not upgrade gets the server’s own refusal', { skip: missing('curl') }, async () => {
  assert.match(await shell.output('curl -sS -i -m 10 http://echo/'), /^HTTP\/1\.1 426 .*upgrade required/s);
});

test('all of it was carried with mTLS, as HTTP', async () => {
  await mesh.assertSecure('echo', 'requests', 'inbound', ['chat', 'echo'], 4);
  await mesh.assertSecure('chat', 'requests', 'outbound', ['chat', 'echo'], 4);
  assert.equal(await mesh.count('chat', 'weft_tcp_connections_total', { destination: 'echo.default' }), 0);
});
