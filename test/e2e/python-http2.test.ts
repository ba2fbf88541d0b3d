/** HTTP/2 of Python's: hypercorn as the server, the library h2 as a client, and both beside Node's and curl's. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { findPython, missing, missingPython } from '../support/components.ts';
import { freePort, LiveMesh } from '../support/live-mesh.ts';
import type { MeshShell } from '../support/mesh-shell.ts';

const FOLDER = join(import.meta.dirname, 'python');
const APPS = join(import.meta.dirname, 'apps');

describe('Python’s HTTP/2 through the pair', { skip: missingPython('hypercorn, h2') || missing('curl') }, () => {
  const mesh = new LiveMesh();
  const python = findPython('hypercorn, h2') ?? '';
  const address = '$ASGI_SERVICE_HOST:$ASGI_SERVICE_PORT';
  let shell: MeshShell;

  before(async () => {
    await mesh.start();
    const port = await freePort();
    const server = ['-m', 'hypercorn', '--bind', `127.0.0.1:${port}`, 'asgi_app:app'];
    await mesh.serve({ service: 'asgi', ports: [`main=${port}:http2`], cwd: FOLDER }, python, ...server);
    shell = await mesh.shell({ service: 'caller', uses: ['asgi'] });
  });
  after(() => mesh.close());

  test('h2 calls hypercorn: streams side by side and a mebibyte there and back', async () => {
    const program = `'${python}' '${join(FOLDER, 'h2_client.py')}'`;
    assert.equal(await shell.output(`${program} $ASGI_SERVICE_HOST $ASGI_SERVICE_PORT`), 'ok 20\n');
  });

  for (const [version, flag] of [
    ['1.1', '--http1.1'],
    ['2', '--http2-prior-knowledge'],
  ]) {
    test(`curl asks hypercorn over HTTP/${version}, and hypercorn is asked over HTTP/2`, async () => {
      const got = await shell.output(`curl -sS -m 10 ${flag} -w '%{http_version}' "http://${address}/hello"`);
      assert.equal(got, `2 GET /hello\n${version}`);
    });

    test(`hypercorn’s events reach curl over HTTP/${version} one by one`, async () => {
      const script = `curl -sSN -m 10 ${flag} "http://${address}/events" | while read line; do echo "$(date +%s%3N) $line"; done`;
      const lines = (await shell.output(script)).split('\n').filter((line) => line.includes('data:'));
      const times = lines.map((line) => Number(line.split(' ')[0]));
      assert.equal(lines.length, 5);
      const span = (times.at(-1) ?? 0) - (times[0] ?? 0);
      assert.ok(span > 250, `all within ${span} ms: they were held back`);
    });
  }

  for (const [version, program, scheme] of [
    ['HTTP/1.1', 'websocket-client.mjs', 'ws'],
    ['HTTP/2', 'websocket-h2-client.mjs', 'http'],
  ]) {
    // A closing that the client begins takes Node's client five seconds: hypercorn waits for its END_STREAM, and it for
    // hypercorn's.
    for (const mode of ['', 'server-closes']) {
      test(`a WebSocket of Node over ${version} with hypercorn’s over HTTP/2, ${mode || 'client closes'}`, async () => {
        const script = `'${process.execPath}' '${join(APPS, program ?? '')}' "${scheme}://${address}/" ${mode}`;
        assert.equal(await shell.output(script), 'closed 4000\n');
      });
    }
  }

  test('all of it was carried with mTLS, as HTTP', async () => {
    await mesh.assertSecure('asgi', 'requests', 'inbound', ['caller', 'asgi'], 29);
  });
});
