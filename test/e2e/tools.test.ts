/** What a person sees of the proxies of a live mesh: `weft proxy-status`, `weft proxy-config`, `weft diff`. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { until } from '../support/child.ts';
import { freePort, LiveMesh } from '../support/live-mesh.ts';

const ANSWER = `require('node:http').createServer((q, r) => r.end()).listen(Number(process.argv[1]), '127.0.0.1')`;
const route = (timeout: string): string => `# The file that lines are told of.
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: canary }
spec:
  parentRefs: [{ group: "", kind: Service, name: catalog }]
  rules:
    - timeouts: { request: ${timeout} }
      backendRefs: [{ name: catalog, port: 80 }]
`;
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
  await apply('shop.yaml', RESOURCES);
  await apply('canary.yaml', route('7s'));
});
after(() => mesh.close());

async function apply(file: string, text: string): Promise<void> {
  const path = join(mesh.directory, file);
  writeFileSync(path, text);
  await weft('apply', '-f', path);
}

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

test('proxy-config shows what the proxy runs on, each line with the place that it was written in', async () => {
  const file = join(mesh.directory, 'canary.yaml');
  await until('the route is there', LIMIT_MS, async () => (await weft('proxy-config', 'web', 'routes')).includes(file));
  const routes = await weft('proxy-config', 'web', 'routes', '--name', 'outbound|80|');
  assert.match(routes, /^ROUTES +DOMAINS +MATCH +TO +WRITTEN IN$/m);
  assert.ok(routes.includes(`HTTPRoute default/canary spec.rules[0] (${file}:2)`), routes);
  const all = await weft('proxy-config', 'catalog-1');
  assert.match(
    all,
    /^inbound\|\d+ +127\.0\.0\.1:\d+ +tls sni \S+ weft-tcp +mTLS +tcp → inbound\|\d+ +Workload default\/catalog-1$/m,
  );
  assert.match(all, /^trust-bundle +root +spiffe:\/\/weft\.local +\d{4}-\S+Z +Weft itself$/m);
  assert.match(
    all,
    /^default +certificate +spiffe:\/\/weft\.local\/ns\/default\/sa\/catalog +\S+Z +beside the proxy$/m,
  );
  const data = JSON.parse(await weft('proxy-config', 'web', 'endpoints', '-o', 'json')) as {
    kind: string;
    endpoints: { name: string; config: { endpoints: { lbEndpoints: unknown[] }[] } }[];
  };
  assert.equal(data.kind, 'weft');
  assert.equal(
    data.endpoints.find(({ name }) => name === '80|catalog.default')?.config.endpoints[0]?.lbEndpoints.length,
    1,
  );
  assert.doesNotMatch(await weft('proxy-config', 'web', 'secrets', '-o', 'yaml'), /PRIVATE KEY|privateKey/);
  const wrong = await mesh.weft(['proxy-config', 'web', 'filters']);
  assert.equal(wrong.code, 2, wrong.stderr);
});

test('diff is silent about what is the same, and tells the fields that differ', async () => {
  await until('nothing differs', LIMIT_MS, async () => (await mesh.weft(['diff', 'web'])).code === 0);
  assert.match(await weft('diff', 'web'), /^✓ \d+ the same$/m);
  // A control plane that is elsewhere now: the proxy goes on with what it has.
  await mesh.controlPlane.stop();
  await mesh.start();
  await apply('canary.yaml', route('9s'));
  const { code, stdout, stderr } = await mesh.weft(['diff', 'web']);
  assert.equal(code, 7, stderr);
  assert.match(stdout, /^web is not connected to the control plane$/m);
  assert.match(
    stdout,
    /^~ RouteConfiguration outbound\|80\|catalog\.default +HTTPRoute default\/canary .*canary\.yaml:2/m,
  );
  assert.match(stdout, /^ +virtualHosts\S*routes\S*timeout\n +- "7s"\n +\+ "9s"$/m);
  const data = JSON.parse((await mesh.weft(['diff', 'web', 'routes', '-o', 'json'])).stdout) as {
    same: boolean;
    resources: { name: string; state: string; differences: { has: unknown; offered: unknown }[] }[];
  };
  assert.equal(data.same, false);
  const changed = data.resources.find(({ name }) => name === 'outbound|80|catalog.default');
  assert.equal(changed?.state, 'changed');
  assert.ok(changed.differences.some(({ has, offered }) => has === '7s' && offered === '9s'));
});
