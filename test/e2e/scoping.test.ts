/** A workload that declares nothing gets what it calls, when it calls it: by name, by address, in tunnels, as TCP. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { until } from '../support/child.ts';
import { missing } from '../support/components.ts';
import { freePort, LiveMesh } from '../support/live-mesh.ts';
import type { MeshShell } from '../support/mesh-shell.ts';

const HELLO = `require('node:http').createServer((q, r) => r.end(process.argv[2] + ' ' + q.url)).listen(Number(process.argv[1]), '127.0.0.1')`;
const ECHO = `require('node:net').createServer((c) => c.pipe(c)).listen(Number(process.argv[1]), '127.0.0.1')`;
const SAY = `const c = require('node:net').connect(process.argv[2], process.argv[1], () => c.end('hello tcp')); c.pipe(process.stdout)`;
/** Services that nobody calls. */
const STRANGERS = 60;
/** Past this a proxy is given everything. */
const MAX_NAMES = 1_000;
const PROXIES = ['weft', 'envoy'] as const;

const skip = missing('curl');
const mesh = new LiveMesh();
const outside = createServer((_request, response) => response.end('outside'));
/** Called for the first time while the control plane is away. */
const elsewhere = createServer((_request, response) => response.end('elsewhere'));

before(async () => {
  if (skip !== false) return;
  await mesh.start();
  await strangers();
  const serve = async (service: string, program: string, protocol = ''): Promise<void> => {
    const port = await freePort();
    const words = ['-e', program, String(port), service];
    await mesh.serve({ service, ports: [`main=${port}${protocol}`] }, process.execPath, ...words);
  };
  await Promise.all([
    serve('catalog', HELLO),
    serve('cart', HELLO, ':http'),
    serve('prices', HELLO),
    serve('ledger', ECHO, ':tcp'),
  ]);
  for (const server of [outside, elsewhere]) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  }
});
after(async () => {
  await mesh.close();
  outside.close();
  elsewhere.close();
});

async function strangers(): Promise<void> {
  const items = Array.from({ length: STRANGERS }, (_, i) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: `stranger-${i}` },
    spec: { selector: { app: `stranger-${i}` }, ports: [{ name: 'main', port: 80, targetPort: 8080 }] },
  }));
  const file = join(mesh.directory, 'strangers.json');
  writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const { code, stderr } = await mesh.weft(['apply', '-f', file]);
  assert.equal(code, 0, stderr);
}

/** Services of which the proxy of a workload has clusters. */
async function known(workload: string): Promise<readonly string[]> {
  const port = (await mesh.workload(workload))?.spec?.adminPort;
  const answer = await fetch(`http://127.0.0.1:${port}/clusters?format=json`);
  const { cluster_statuses = [] } = (await answer.json()) as { cluster_statuses?: { name: string }[] };
  const services = cluster_statuses.flatMap(
    ({ name }) => /^(?:http|http2|tcp|connect)\|\d+\|([^.]+)\./.exec(name)?.[1] ?? [],
  );
  return [...new Set(services)].toSorted();
}

for (const proxy of PROXIES) {
  const web = `web-${proxy}`;
  const skipped = skip || (proxy === 'envoy' && missing('envoy'));

  describe(`under ${proxy}`, { skip: skipped }, () => {
    let shell: MeshShell;
    const start = (): Promise<MeshShell> => mesh.shell({ service: web, flags: ['--proxy', proxy] });
    const curl = (words: string): Promise<string> => shell.output(`curl -sS -m 20 ${words}`);

    before(async () => {
      shell = await start();
    });

    test('nothing of the mesh is there before it is called', async () => {
      assert.deepEqual(await known(web), []);
    });

    test('by name, in every form, with mTLS', async (t) => {
      const ms = await curl(`-o /dev/null -w '%{time_total}' http://catalog/first`);
      t.diagnostic(`first request: ${Math.round(Number(ms) * 1000)} ms`);
      assert.equal(await curl('http://catalog/a'), 'catalog /a');
      assert.deepEqual(await known(web), ['catalog']);
      assert.equal(await curl('http://catalog.default.svc.cluster.local/b'), 'catalog /b');
      assert.equal(await curl('http://catalog.default:80/c -d body'), 'catalog /c');
      await mesh.assertSecure('catalog', 'requests', 'inbound', [web, 'catalog'], 4);
    });

    test('in a tunnel, and at the address of its own', async () => {
      assert.equal(await curl('--proxytunnel http://cart/tunnel'), 'cart /tunnel');
      assert.equal(await curl(`--noproxy '*' "http://$PRICES_SERVICE_HOST:$PRICES_SERVICE_PORT/vip"`), 'prices /vip');
      const say = `"${process.execPath}" -e "${SAY}" "$LEDGER_SERVICE_HOST" "$LEDGER_SERVICE_PORT"`;
      assert.equal(await shell.output(say), 'hello tcp');
      assert.deepEqual(await known(web), ['cart', 'catalog', 'ledger', 'prices']);
      await mesh.assertSecure('ledger', 'tcp_connections', 'inbound', [web, 'ledger']);
    });

    test('a host outside is reached, and one that does not exist is answered', async () => {
      const { port } = outside.address() as AddressInfo;
      // Loopback itself never goes to the proxy; here it is sent there.
      assert.equal(await curl(`-x "$http_proxy" --noproxy '' http://127.0.0.1:${port}/`), 'outside');
      assert.match(await curl(`-o /dev/null -w '%{http_code}' http://nobody.invalid/`), /^50[23]$/);
    });

    test('what it has is what it is offered', async () => {
      const { code, stdout } = await until('nothing differs', 20_000, async () => {
        const found = await mesh.weft(['diff', web]);
        return found.code === 0 ? found : null;
      });
      assert.equal(code, 0, stdout);
    });

    test('its control plane goes: what was used serves on, and all is there when it is back', async () => {
      mesh.controlPlane.signal('SIGKILL');
      await mesh.controlPlane.exited;
      assert.equal(await curl('http://catalog/away'), 'catalog /away');
      const { port } = elsewhere.address() as AddressInfo;
      assert.equal(await curl(`-x "$http_proxy" --noproxy '' http://127.0.0.1:${port}/`), 'elsewhere');
      await shell.child.stop();
      shell = await start();
      assert.equal(await curl('http://catalog/restarted'), 'catalog /restarted');
      if (proxy === 'weft') {
        assert.match(await curl(`-w '%{http_code}' http://stranger-9/`), /never called.*--uses.*NO_PROXY.*503$/s);
      }
      await mesh.startControlPlane();
      for (let i = 0; i < 20; i++) assert.equal(await curl('http://catalog/back'), 'catalog /back');
      await until('what was never used is', 20_000, async () => {
        return (await curl('http://cart.default/new')) === 'cart /new';
      });
    });
  });
}

test('who has asked for more than a thousand names has all of the mesh, and what it had serves on', {
  skip,
}, async () => {
  const shell = await mesh.shell({ service: 'web-many' });
  assert.equal(await shell.output('curl -sS http://catalog/few'), 'catalog /few');
  assert.deepEqual(await known('web-many'), ['catalog']);
  // Names of nobody: each is asked for, and leads out to where nobody is.
  await shell.exec(
    `curl -s -o /dev/null --no-progress-meter -m 1 -Z --parallel-max 250 'http://nobody-[1-${MAX_NAMES}]/'`,
  );
  await until('it has all', 20_000, async () => (await known('web-many')).length >= STRANGERS + 4);
  assert.equal(await shell.output('curl -sS http://catalog/many'), 'catalog /many');
  assert.equal(await shell.output('curl -sS http://cart/many'), 'cart /many');
  await mesh.assertSecure('cart', 'requests', 'inbound', ['web-many', 'cart']);
});

test('what was never called is explained as its first caller would meet it', { skip }, async () => {
  const { stdout, code, stderr } = await mesh.weft([
    'explain',
    '--from',
    'web-weft',
    'http://stranger-7/',
    '-o',
    'json',
  ]);
  assert.equal(code, 0, stderr);
  const { steps } = JSON.parse(stdout) as { steps: { stage: string; name: string }[] };
  assert.equal(steps.find(({ stage }) => stage === 'cluster')?.name, 'http|80|stranger-7.default');
});
