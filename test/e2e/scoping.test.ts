/** A workload that declares nothing gets what it calls, when it calls it: by name, by address, in tunnels, as TCP. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { until } from '../support/child.ts';
import { missing } from '../support/components.ts';
import { freePort, LiveMesh } from '../support/live-mesh.ts';
import type { MeshShell } from '../support/mesh-shell.ts';

const skip = missing('curl');
const HELLO = `require('node:http').createServer((q, r) => r.end(process.argv[2] + ' ' + q.url)).listen(Number(process.argv[1]), '127.0.0.1')`;
const ECHO = `require('node:net').createServer((c) => c.pipe(c)).listen(Number(process.argv[1]), '127.0.0.1')`;
const SAY = `const c = require('node:net').connect(process.argv[2], process.argv[1], () => c.end('hello tcp')); c.pipe(process.stdout)`;
/** Services that nobody calls. */
const STRANGERS = 60;

const mesh = new LiveMesh();
const outside = createServer((_request, response) => response.end('outside'));
let shell: MeshShell;

before(async () => {
  if (skip !== false) return;
  await mesh.start();
  await strangers();
  const serve = async (service: string, program: string, protocol = ''): Promise<void> => {
    const port = await freePort();
    await mesh.serve(
      { service, ports: [`main=${port}${protocol}`] },
      process.execPath,
      '-e',
      program,
      String(port),
      service,
    );
  };
  await Promise.all([
    serve('catalog', HELLO),
    serve('cart', HELLO, ':http'),
    serve('prices', HELLO),
    serve('ledger', ECHO, ':tcp'),
  ]);
  await new Promise<void>((resolve) => outside.listen(0, '127.0.0.1', resolve));
  shell = await mesh.shell({ service: 'web' });
});
after(async () => {
  await mesh.close();
  outside.close();
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

/** Services of which the proxy of `web` has clusters. */
async function known(): Promise<readonly string[]> {
  const port = (await mesh.workload('web'))?.spec?.adminPort;
  const clusters = (await (await fetch(`http://127.0.0.1:${port}/weft/clusters`)).json()) as { name: string }[];
  const services = clusters.flatMap(({ name }) => /^(?:http|http2|tcp|connect)\|\d+\|([^.]+)\./.exec(name)?.[1] ?? []);
  return [...new Set(services)].toSorted();
}

const curl = (words: string): Promise<string> => shell.output(`curl -sS -m 20 ${words}`);

test('nothing of the mesh is there before it is called', { skip }, async () => {
  assert.deepEqual(await known(), []);
});

test('by name, in every form, with mTLS', { skip }, async () => {
  assert.equal(await curl('http://catalog/a'), 'catalog /a');
  assert.deepEqual(await known(), ['catalog']);
  assert.equal(await curl('http://catalog.default.svc.cluster.local/b'), 'catalog /b');
  assert.equal(await curl('http://catalog.default:80/c -d body'), 'catalog /c');
  await mesh.assertSecure('web', 'requests', 'outbound', ['web', 'catalog'], 3);
});

test('in a tunnel, and at the address of its own', { skip }, async () => {
  assert.equal(await curl('--proxytunnel http://cart/tunnel'), 'cart /tunnel');
  assert.equal(await curl(`--noproxy '*' "http://$PRICES_SERVICE_HOST:$PRICES_SERVICE_PORT/vip"`), 'prices /vip');
  const say = `"${process.execPath}" -e "${SAY.replaceAll('"', '\\"')}" "$LEDGER_SERVICE_HOST" "$LEDGER_SERVICE_PORT"`;
  assert.equal(await shell.output(say), 'hello tcp');
  assert.deepEqual(await known(), ['cart', 'catalog', 'ledger', 'prices']);
  await mesh.assertSecure('web', 'tcp_connections', 'outbound', ['web', 'ledger']);
});

test('a host outside is reached, and one that does not exist is answered at once', { skip }, async () => {
  const { port } = outside.address() as AddressInfo;
  // 127.0.0.1 itself never goes to the proxy; another name of it does.
  assert.equal(
    await curl(`-H 'host: 127.0.0.1:${port}' -x "$http_proxy" --noproxy '' http://127.0.0.1:${port}/`),
    'outside',
  );
  const status = await curl(`-o /dev/null -w '%{http_code} %{time_total}' http://nobody.invalid/`);
  const [code, seconds] = status.split(' ');
  assert.match(code ?? '', /^50[23]$/);
  assert.ok(Number(seconds) < 15, status);
});

test('what was never called is explained as its first caller would meet it', { skip }, async () => {
  const { stdout, code } = await mesh.weft(['explain', '--from', 'web', 'http://stranger-7/', '-o', 'json']);
  assert.equal(code, 0);
  const { steps } = JSON.parse(stdout) as { steps: { stage: string; name: string; why: string }[] };
  assert.equal(steps.find(({ stage }) => stage === 'cluster')?.name, 'http|80|stranger-7.default');
});

test('its control plane goes: what was used serves on, also after a restart; the rest when it is back', {
  skip,
}, async () => {
  mesh.controlPlane.signal('SIGKILL');
  await mesh.controlPlane.exited;
  assert.equal(await curl('http://catalog/away'), 'catalog /away');
  await shell.child.stop();
  shell = await mesh.shell({ service: 'web' });
  assert.equal(await curl('http://catalog/restarted'), 'catalog /restarted');
  const never = await curl(`-o /dev/null -w '%{http_code}' http://stranger-9/`);
  assert.equal(never, '503');
  await mesh.startControlPlane();
  await until('a service that was not used since is called again', 20_000, async () => {
    return (await curl('http://cart/back')) === 'cart /back';
  });
});
