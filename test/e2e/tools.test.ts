/** What a person sees of the proxies of a live mesh: `weft proxy-status`. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { until } from '../support/child.ts';
import { freePort, LiveMesh } from '../support/live-mesh.ts';

const ANSWER = `require('node:http').createServer((q, r) => r.end()).listen(Number(process.argv[1]), '127.0.0.1')`;
const RESOURCES = `
apiVersion: weft.mesh/v1
kind: Workload
metadata: { name: legacy, labels: { app: legacy } }
spec: { service: legacy, account: legacy, address: 127.0.0.1, proxy: envoy, ports: [] }
`;
const LIMIT_MS = 30_000;
const mesh = new LiveMesh();

before(async () => {
  await mesh.start();
  const port = await freePort();
  await mesh.serve(
    { service: 'catalog', name: 'catalog-1', ports: [`main=${port}:http`] },
    process.execPath,
    '-e',
    ANSWER,
    String(port),
  );
  await mesh.shell({ service: 'web', uses: ['catalog'] });
  const path = join(mesh.directory, 'shop.yaml');
  writeFileSync(path, RESOURCES);
  await weft('apply', '-f', path);
});
after(() => mesh.close());

/** What it printed; it must succeed. */
async function weft(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await mesh.weft(words);
  assert.equal(code, 0, `${words.join(' ')}\n${stderr}`);
  return stdout;
}

test('proxy-status shows every proxy by type, and a workload that is registered and not connected', async () => {
  await until('the proxies are in sync', LIMIT_MS, async () => {
    return (await mesh.weft(['proxy-status', 'web', '--fail'])).code === 0;
  });
  const { proxies } = JSON.parse(await weft('proxy-status', '-o', 'json')) as {
    proxies: { node: string; state: string; kind: string; types: { service: string; state: string }[] }[];
  };
  assert.deepEqual(
    proxies.map(({ node, state, kind }) => [node, state, kind]),
    [
      ['default/catalog-1', 'synced', 'weft'],
      ['default/legacy', 'disconnected', 'envoy'],
      ['default/web', 'synced', 'weft'],
    ],
  );
  assert.deepEqual(
    proxies[2]?.types.map(({ service, state }) => `${service} ${state}`),
    ['CDS synced', 'EDS synced', 'LDS synced', 'RDS synced', 'SDS synced'],
  );
  const table = await weft('proxy-status');
  assert.match(table, /^PROXY +SERVICE +KIND +VERSION +CDS +EDS +LDS +RDS +SDS +CONNECTED$/m);
  assert.match(table, /^default\/legacy +legacy +envoy +- +- +- +- +- +- +no$/m);
  assert.match(table, /^default\/web +web +weft +weft\S* +synced +synced +synced +synced +synced +\d+s$/m);
  const failed = await mesh.weft(['proxy-status', '--fail']);
  assert.equal(failed.code, 1, 'one is not connected');
  assert.equal((await mesh.weft(['proxy-status', 'nobody'])).code, 5);
});
