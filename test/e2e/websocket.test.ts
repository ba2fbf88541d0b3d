/**
 * WebSockets through the mesh: the upgrade of HTTP/1.1, the extended CONNECT of HTTP/2 and each made of the other pass,
 * frames of every size come back, and either side may close.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { missing } from '../support/components.ts';
import { freePort, LiveMesh } from '../support/live-mesh.ts';
import type { MeshShell } from '../support/mesh-shell.ts';

const apps = join(import.meta.dirname, 'apps');
const client = `'${process.execPath}' '${join(apps, 'websocket-client.mjs')}'`;
const http2Client = `'${process.execPath}' '${join(apps, 'websocket-h2-client.mjs')}'`;

const mesh = new LiveMesh();
let shell: MeshShell;

before(async () => {
  await mesh.start();
  for (const [service, protocol, version] of [
    ['echo', '', ''],
    ['echo-h1', ':http', ''],
    ['echo-h2', ':http2', 'h2'],
  ] as const) {
    const port = await freePort();
    const command = [process.execPath, join(apps, 'websocket-echo.mjs'), String(port), version];
    await mesh.serve({ service, ports: [protocol === '' ? port : `main=${port}${protocol}`] }, ...command);
  }
  shell = await mesh.shell({ service: 'chat', uses: ['echo', 'echo-h1', 'echo-h2'] });
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

for (const server of ['h1', 'h2'] as const) {
  const variable = `ECHO_${server.toUpperCase()}_SERVICE`;
  const address = `$${variable}_HOST:$${variable}_PORT/`;
  for (const [version, program, scheme] of [
    ['h1', client, 'ws'],
    ['h2', http2Client, 'http'],
  ] as const) {
    for (const mode of ['', 'server-closes']) {
      test(`a client over ${version} and a server over ${server}, ${mode || 'client closes'}`, async () => {
        assert.equal(await shell.output(`${program} "${scheme}://${address}" ${mode}`), 'closed 4000\n');
      });
    }
  }
}

test('all of it was carried with mTLS, as HTTP', async () => {
  await mesh.assertSecure('echo', 'requests', 'inbound', ['chat', 'echo'], 4);
  await mesh.assertSecure('chat', 'requests', 'outbound', ['chat', 'echo'], 4);
  for (const service of ['echo-h1', 'echo-h2']) {
    await mesh.assertSecure(service, 'requests', 'inbound', ['chat', service], 4);
  }
  assert.equal(await mesh.count('chat', 'weft_tcp_connections_total', { destination: 'echo.default' }), 0);
});
