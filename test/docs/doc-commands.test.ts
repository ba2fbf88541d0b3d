/**
 * Every command in the documents works. Each line of a `sh` block is run as it stands, in the state that its document
 * describes: with the shop running, or in a mesh of one's own. What would not end by itself is bounded by a flag, and
 * nothing else is changed but ports, so that a busy machine passes too. A command that nobody runs here fails the test.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Child, until } from '../support/child.ts';
import { missing } from '../support/components.ts';
import { commandsOf, docCommands, ROOT } from './doc-commands.ts';

const LIMIT_MS = 120_000;
const children: Child[] = [];
const folders: string[] = [];
const commands = docCommands();
const run = new Set<string>();

after(async () => {
  for (const child of children.toReversed()) await child.stop();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

test('commands are found in blocks of shell, without comments', () => {
  const text = 'a\n```sh\n./weft up   # starts\n# only a comment\n```\n```yaml\nx: y\n```\n';
  assert.deepEqual(commandsOf('x.md', text), [{ place: 'x.md:3', text: './weft up' }]);
  assert.ok(commands.length > 15, `only ${commands.length} commands in all documents`);
});

test('npm start, for a moment, and the shop on its own', async () => {
  for (const text of take(/^(npm start|\.\/weft dev examples\/shop --for \S+ --json)$/)) {
    const bounded =
      text === 'npm start' ? 'npm start --silent -- --for 2s --json' : text.replace(/--for \S+/, '--for 2s');
    const { code, stdout, stderr } = await shell(bounded, ROOT).finished(LIMIT_MS);
    assert.equal(code, 0, `${text}\n${stderr}`);
    const report = JSON.parse(stdout) as { ok: boolean; workloads: number; requests: number; mtlsShare: number };
    assert.equal(report.workloads, 7);
    assert.ok(report.ok && report.requests > 0 && report.mtlsShare === 1, stdout);
  }
});

test('with the shop running: what the README and the shop say to try', async () => {
  const [dev] = take(/^\.\/weft dev examples\/shop$/);
  assert.ok(dev !== undefined);
  const home = temporaryFolder('weft-docs-shop-');
  const shop = shell(dev, ROOT, home);
  const status = async () => (await shell('./weft status', ROOT, home).finished(30_000)).stdout;
  await until('all workloads are ready', 60_000, async () => /7 of 7 ready/.test(await status()) || shop.code !== null);
  const named =
    'status|top|apply|get|describe|explain|delete|diff|proxy-config|proxy-status|check|token|run --service probe';
  for (const text of take(new RegExp(`^\\./weft (${named})\\b`))) {
    const bounded = text === './weft top' ? './weft top --once' : text;
    // What was applied a moment ago may still be on its way.
    if (text.startsWith('./weft diff ')) {
      await until('nothing differs', 60_000, async () => (await shell(text, ROOT, home).finished(60_000)).code === 0);
    }
    const { code, stderr } = await shell(bounded, ROOT, home).finished(60_000);
    assert.equal(code, 0, `${text}\n${stderr}`);
  }
  await shop.stop();
});

test('services of one’s own: up, and two under sidecars', { skip: missing('python3', 'curl') }, async () => {
  const home = temporaryFolder('weft-docs-own-');
  const port = await freePort();
  const [up, hello, me, ...more] = take(/^\.\/weft (up$|run --service (hello|me) )/);
  assert.ok(up !== undefined && hello !== undefined && me !== undefined && more.length === 0);
  await shell(`${up} --listen 127.0.0.1:0 --xds-listen 127.0.0.1:0`, home, home).said(
    /control plane is running/,
    30_000,
  );
  shell(hello.replaceAll('8000', String(port)), home, home);
  await until('hello takes traffic', 30_000, async () => {
    const { stdout } = await shell('./weft get workloads', home, home).finished(30_000);
    return /hello.*yes/.test(stdout);
  });
  const { code, stdout, stderr } = await shell(me, home, home).finished(60_000);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /Directory listing/);
});

test('gRPC without sidecars: a server, a client and the bootstrap file', async () => {
  const home = temporaryFolder('weft-docs-grpc-');
  const port = await freePort();
  const [serve, call, bootstrap, ...more] = take(/^\.\/weft (run .*--proxy none|bootstrap grpc) /);
  assert.ok(serve !== undefined && call !== undefined && bootstrap !== undefined && more.length === 0);
  await shell('./weft up --listen 127.0.0.1:0 --xds-listen 127.0.0.1:0', ROOT, home).said(
    /control plane is running/,
    30_000,
  );
  shell(serve.replaceAll('50051', String(port)), ROOT, home);
  await until('the greeter takes traffic', 30_000, async () => {
    const { stdout } = await shell('./weft get workloads', ROOT, home).finished(30_000);
    return /greeter.*yes/.test(stdout);
  });
  const called = await shell(call, ROOT, home).finished(60_000);
  assert.match(
    called.stdout,
    /^Hello world, you are URI:spiffe:\/\/weft.local\/ns\/default\/sa\/caller/,
    called.stderr,
  );
  const { stdout, stderr } = await shell(bootstrap, ROOT, home).finished(30_000);
  assert.match(stdout, /"server_uri": "unix:/, stderr);
});

test('Envoy as a sidecar, and its bootstrap', { skip: missing('python3', 'envoy') }, async () => {
  const home = temporaryFolder('weft-docs-envoy-');
  const port = await freePort();
  const [serve, bootstrap, ...more] = take(/^\.\/weft (run --proxy envoy|bootstrap envoy) /);
  assert.ok(serve !== undefined && bootstrap !== undefined && more.length === 0);
  await shell('./weft up --listen 127.0.0.1:0 --xds-listen 127.0.0.1:0', ROOT, home).said(
    /control plane is running/,
    30_000,
  );
  shell(serve.replaceAll('8080', String(port)), ROOT, home);
  await until('the files are served', 30_000, async () => {
    const { stdout } = await shell('./weft get workloads', ROOT, home).finished(30_000);
    return /files.*yes/.test(stdout);
  });
  const { stdout, stderr } = await shell(bootstrap, ROOT, home).finished(30_000);
  assert.match(stdout, /"path": "[^"]*xds\.sock"/, stderr);
});

test('a proxy at the edge, from the documents and their file', { skip: missing('openssl', 'curl') }, async () => {
  const folder = temporaryFolder('weft-docs-edge-');
  cpSync(join(ROOT, 'examples/edge-proxy'), join(folder, 'examples/edge-proxy'), { recursive: true });
  const ports = await Promise.all([8080, 8443, 9001, 9002, 9003, 9901].map(async (port) => [port, await freePort()]));
  const moved = (text: string): string =>
    ports.reduce((all, [from, to]) => all.replace(new RegExp(`\\b${from}\\b`, 'g'), String(to)), text);
  const file = join(folder, 'examples/edge-proxy/envoy.yaml');
  writeFileSync(file, moved(readFileSync(file, 'utf8')));
  const [certificate, ...more] = take(/^openssl req .*edge-proxy/);
  assert.ok(certificate !== undefined && more.length === 0);
  assert.equal((await shell(certificate, folder).finished(30_000)).code, 0);
  for (const text of take(/^node examples\/edge-proxy\/app\.mjs /)) {
    await shell(`exec ${moved(text)}`, folder, folder).said(/answers on/, 10_000);
  }
  const [validate, serve] = take(/^\.\/weft proxy -c /);
  assert.ok(validate !== undefined && serve !== undefined);
  const { code, stdout: verdict, stderr } = await shell(validate, folder, folder).finished(30_000);
  assert.equal(code, 0, stderr);
  assert.match(verdict, /OK$/m);
  shell(serve, folder, folder);
  const curl = async (text: string) => (await shell(moved(text), folder, folder).finished(30_000)).stdout;
  const [front, flaky, redirect, clusters] = take(/^curl .*localhost/);
  assert.ok(front !== undefined && flaky !== undefined && redirect !== undefined && clusters !== undefined);
  await until('the edge serves', 30_000, async () => /"version":"v[12]"/.test(await curl(front)));
  assert.match(await curl(front), /"host":"localhost:\d+","scheme":"https","client":"(127\.0\.0\.1|::1)"/);
  for (let i = 0; i < 6; i++) assert.match(await curl(flaky.replace('-s', '-sf')), /"version"/);
  assert.match(await curl(redirect), /^https:\/\/localhost:\d+\/$/);
  assert.match(await curl(clusters), /^v1::.*health_flags::healthy$/m);
});

test('what contributors run', async () => {
  const copy = temporaryFolder('weft-docs-copy-');
  for (const file of execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  }).split('\0')) {
    if (file !== '') cpSync(join(ROOT, file), join(copy, file), { force: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  execFileSync('git', ['init', '-q'], { cwd: copy });
  for (const text of take(/^npm run (fix|build)$|^npm pack$|^(WEFT_UPDATE_GOLDENS=1 )?npm test \S+$/)) {
    const { code, stdout, stderr } = await shell(text, copy).finished(LIMIT_MS);
    assert.equal(code, 0, `${text}\n${stdout}\n${stderr}`);
  }
});

test('the benchmark, one short round', { skip: missing('wrk', 'nginx', 'haproxy', 'taskset') }, async () => {
  for (const text of take(/^npm run bench\b/)) {
    // `bench/run.test.ts` runs the one of the control plane, with a small mesh.
    if (/\bcontrol\b/.test(text)) continue;
    // The other build of the example is this one.
    const here = text.replace('../before/dist/weft.js', 'dist/weft.js');
    const words = here.includes(' -- ') ? here : `${here} --`;
    const one = /\bpair\b/.test(words) ? '' : 'pair';
    const bounds = '--rounds 1 --seconds 1 --warmup 1 --connections 8';
    const { code, stdout, stderr } = await shell(`${words} ${one} ${bounds}`, ROOT).finished(LIMIT_MS);
    assert.equal(code, 0, `${text}\n${stdout}\n${stderr}`);
  }
});

test('no command of the documents is left untried', () => {
  // The whole test command is what runs this file.
  take(/^npm test$/);
  if (missing('python3', 'envoy') !== false) take(/^\.\/weft (run --proxy envoy|bootstrap envoy) /);
  if (missing('python3', 'curl') !== false) take(/^\.\/weft (up$|run --service (hello|me) )/);
  if (missing('openssl', 'curl') !== false) take(/edge-proxy|localhost:/);
  if (missing('wrk', 'nginx', 'haproxy', 'taskset') !== false) take(/^npm run bench\b/);
  assert.deepEqual(
    commands.filter(({ text }) => !run.has(text)).map(({ place, text }) => `${place}: ${text}`),
    [],
  );
});

/** The distinct commands that match, marked as run. */
function take(pattern: RegExp): string[] {
  const found = [...new Set(commands.map(({ text }) => text).filter((text) => pattern.test(text)))];
  for (const text of found) run.add(text);
  return found;
}

/** In `folder`, where `./weft` is the checkout's; with `home`, nothing of the user's own mesh is seen. */
function shell(command: string, folder: string, home?: string): Child {
  const text = folder === ROOT || home === undefined ? command : command.replace(/^\.\/weft/, join(ROOT, 'weft'));
  const own = home === undefined ? {} : { HOME: home, XDG_STATE_HOME: join(home, 'state') };
  const { WEFT_STATE_DIR: _, NODE_TEST_CONTEXT: __, ...env } = process.env;
  // Programs that stay replace the shell, so that a signal reaches them.
  const child = new Child('sh', ['-c', text.includes('/weft ') ? `exec ${text}` : text], {
    cwd: folder,
    env: { ...env, ...own },
  });
  children.push(child);
  return child;
}

function temporaryFolder(prefix: string): string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  folders.push(folder);
  return folder;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
