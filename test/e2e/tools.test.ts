/**
 * What a person sees of the proxies of a live mesh, of Weft, Envoy and gRPC alike: `weft proxy-status`, `weft proxy-config`,
 * `weft diff`, and what an XdsPatch does to them.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { probeCommand } from '../grpc-xds/probe.ts';
import { until } from '../support/child.ts';
import { missing } from '../support/components.ts';
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
const noEnvoy = missing('envoy');
const mesh = new LiveMesh();

const patch = (name: string, body: string): string => `apiVersion: weft.mesh/v1
kind: XdsPatch
metadata: { name: ${name} }
spec:
${body}
`;

before(async () => {
  await mesh.start();
  const [web, front, rpc] = [await freePort(), await freePort(), await freePort()];
  const answer = (port: number) => [process.execPath, '-e', ANSWER, String(port)] as const;
  await mesh.serve({ service: 'catalog', name: 'catalog-1', ports: [`main=${web}:http`] }, ...answer(web));
  await mesh.shell({ service: 'web', uses: ['catalog'] });
  const options = { service: 'rpc', name: 'rpc-1', uses: [], ports: [`${rpc}:grpc`], flags: ['--proxy', 'none'] };
  await mesh.serve(options, ...probeCommand('js', ''), ...['server', 'xds', `127.0.0.1:${rpc}`, 'rpc-1']);
  if (noEnvoy === false) {
    const envoy = { service: 'front', name: 'front-1', uses: ['catalog'], flags: ['--proxy', 'envoy'] };
    await mesh.serve({ ...envoy, ports: [`main=${front}:http`] }, ...answer(front));
  }
  await apply('shop.yaml', RESOURCES);
  await apply('canary.yaml', route('7s'));
});
after(() => mesh.close());

async function apply(file: string, text: string): Promise<void> {
  await weft('apply', '-f', written(file, text));
}

function written(file: string, text: string): string {
  const path = join(mesh.directory, file);
  writeFileSync(path, text);
  return path;
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
  const envoys = noEnvoy === false ? [['default/front-1', 'synced', 'envoy']] : [];
  const { proxies } = JSON.parse(await weft('proxy-status', '-o', 'json')) as {
    proxies: { node: string; state: string; kind: string; types: { service: string; state: string }[] }[];
  };
  assert.deepEqual(
    proxies.map(({ node, state, kind }) => [node, state, kind]),
    [
      ['default/catalog-1', 'synced', 'weft'],
      ...envoys,
      ['default/legacy', 'disconnected', 'envoy'],
      ['default/rpc-1', 'synced', 'grpc'],
      ['default/web', 'synced', 'weft'],
    ],
  );
  assert.deepEqual(
    proxies.at(-1)?.types.map(({ service, state }) => `${service} ${state}`),
    ['CDS synced', 'EDS synced', 'LDS synced', 'RDS synced', 'SDS synced'],
  );
  const table = await weft('proxy-status');
  assert.match(table, /^PROXY +SERVICE +KIND +VERSION +CDS +EDS +LDS +RDS +SDS +CONNECTED$/m);
  assert.match(table, /^default\/legacy +legacy +envoy +- +- +- +- +- +- +no$/m);
  assert.match(table, /^default\/web +web +weft +weft\/\S+ +synced +synced +synced +synced +synced +\d+s$/m);
  assert.match(table, /^default\/rpc-1 +rpc +grpc +gRPC Node Pure JS\/\S+ +- +- +synced +- +- +\d+s$/m);
  if (noEnvoy === false) assert.match(table, /^default\/front-1 +front +envoy +envoy\/\d+\.\d+\.\d+ +synced/m);
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

test('of a gRPC program is shown what it acknowledged, and that it is that', async () => {
  const config = await weft('proxy-config', 'rpc-1', 'listeners');
  assert.match(config, /^by what it acknowledged to the control plane: a gRPC client has no admin endpoint$/m);
  assert.match(
    config,
    /^weft\/server\/127\.0\.0\.1:\d+ +127\.0\.0\.1:\d+ +all +mTLS +http → own routes \S+ +Workload default\/rpc-1$/m,
  );
  assert.match(await weft('diff', 'rpc-1'), /^by what it acknowledged[^]*✓ 1 the same$/m);
});

test('of Envoy is shown what Envoy says of itself', { skip: noEnvoy }, async () => {
  const file = join(mesh.directory, 'canary.yaml');
  await until('Envoy has the route', LIMIT_MS, async () => (await weft('proxy-config', 'front-1')).includes(file));
  const all = await weft('proxy-config', 'front-1');
  assert.match(
    all,
    /^inbound\|\d+ +127\.0\.0\.1:\d+ +tls sni \S+ weft-tcp +mTLS +tcp → inbound\|\d+ +Workload default\/front-1$/m,
  );
  assert.match(
    all,
    /^80\|catalog\.default +127\.0\.0\.1:\d+ +catalog-1 +1 +0 +healthy +mTLS +Service default\/catalog$/m,
  );
  assert.match(all, /^default +certificate +spiffe:\/\/weft\.local\/ns\/default\/sa\/front +\S+Z +beside the proxy$/m);
  assert.doesNotMatch(await weft('proxy-config', 'front-1', '-o', 'json'), /PRIVATE KEY|privateKey/);
  await until('nothing differs', LIMIT_MS, async () => (await mesh.weft(['diff', 'front-1'])).code === 0);
});

test('an XdsPatch reaches the proxies that it selects, and is an origin of what it changed', async () => {
  const body = `  patches:
    - { on: Route, match: { service: catalog }, operation: merge, value: { route: { timeout: 3.5s } } }
    - { on: Cluster, match: { service: catalog }, operation: merge, value: { connectTimeout: 2s } }`;
  await apply('patch.yaml', patch('tuned', body));
  const file = join(mesh.directory, 'patch.yaml');
  for (const name of noEnvoy === false ? ['web', 'front-1'] : ['web']) {
    await until(`${name} has it`, LIMIT_MS, async () =>
      (await mesh.weft(['proxy-config', name, 'routes'])).stdout.includes(file),
    );
    await until(`${name} took all of it`, LIMIT_MS, async () => (await mesh.weft(['diff', name])).code === 0);
    const clusters = JSON.parse(await weft('proxy-config', name, 'clusters', '-o', 'json')) as {
      clusters: { name: string; config: { connectTimeout: string } }[];
    };
    assert.equal(
      clusters.clusters.find((each) => each.name === 'http|80|catalog.default')?.config.connectTimeout,
      '2s',
    );
  }
  const explained = await weft('explain', '--from', 'web', 'http://catalog/');
  assert.match(explained, /^cluster .*XdsPatch\/default\/tuned spec\.patches\[1\]$/m);
  const described = await until('its status says so', LIMIT_MS, async () => {
    const text = await weft('get', 'xdspatches', 'tuned', '-o', 'yaml');
    return text.includes('proxies are sent it') ? text : null;
  });
  assert.match(
    described,
    /status: "True"\n +reason: Accepted\n +message: \d of \d proxies are sent it, on \d+ resources/,
  );
});

test('an XdsPatch that Weft’s proxy could not read is not sent to it, and its status says why', async () => {
  const lua = 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua';
  const value = `{ name: lua, typedConfig: { "@type": ${lua} } }`;
  const body = `  proxies: { services: [web] }\n  patches: [{ on: HttpFilter, operation: add, value: ${value} }]`;
  await apply('script.yaml', patch('script', body));
  const text = await until('its status says so', LIMIT_MS, async () => {
    const found = await weft('get', 'xdspatches', 'script', '-o', 'yaml');
    return found.includes('reason: Invalid') ? found : null;
  });
  assert.match(
    text,
    /1 of 1 proxies have nothing of it: default\/web: Listener \S+: Weft’s proxy would refuse it: .*lua/,
  );
  assert.equal((await mesh.weft(['diff', 'web'])).code, 0);
  await weft('delete', 'xdspatch', 'script');
});

test('an unknown field of an XdsPatch is refused at its line', async () => {
  const body = `  patches:\n    - on: Cluster\n      operation: merge\n      value:\n        conectTimeout: 2s`;
  const { code, stderr } = await mesh.weft(['apply', '-f', written('wrong.yaml', patch('wrong', body))]);
  assert.equal(code, 4);
  assert.match(
    stderr,
    /wrong\.yaml:9:9: .*conectTimeout is not a field of envoy\.config\.cluster\.v3\.Cluster\n +Did you mean "connectTimeout"\?/,
  );
});

test('what Envoy refuses of an XdsPatch is traced back to the patch and its line', { skip: noEnvoy }, async () => {
  const entry =
    '{ on: Cluster, match: { name: http|80|catalog.default }, operation: merge, value: { connectTimeout: 0s } }';
  await apply('bad.yaml', patch('worse', `  proxies: { kinds: [envoy] }\n  patches:\n    - ${entry}`));
  const shown = await until('the refusal shows', LIMIT_MS, async () => {
    const { stdout } = await mesh.weft(['proxy-status', 'front-1']);
    return /NACK \d+s/.test(stdout) ? stdout : null;
  });
  assert.match(shown, /refused Cluster http\|80\|catalog\.default, \d+s ago\n +why: .*ConnectTimeout/);
  assert.match(shown, /from: +XdsPatch default\/worse spec\.patches\[0\] \(\S*bad\.yaml:1\)/);
  const { code, stdout } = await mesh.weft(['diff', 'front-1', 'clusters']);
  assert.equal(code, 7);
  assert.match(stdout, /^~ Cluster http\|80\|catalog\.default[^]*connectTimeout\n +- "2s"\n +\+ "0s"$/m);
  await weft('delete', 'xdspatch', 'worse');
  await until(
    'Envoy is well again',
    LIMIT_MS,
    async () => (await mesh.weft(['proxy-status', 'front-1', '--fail'])).code === 0,
  );
});

test('diff is silent about what is the same, and tells the fields that differ', async () => {
  await weft('delete', 'xdspatch', 'tuned');
  await until('nothing differs', LIMIT_MS, async () => (await mesh.weft(['diff', 'web'])).stdout.startsWith('✓'));
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
