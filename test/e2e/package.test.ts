/**
 * The package that `npm pack` makes: it installs in an empty folder without a registry, and runs there with no TypeScript
 * and no source tree; what goes wrong inside is told in lines of the source all the same.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Child, until } from '../support/child.ts';
import { missing } from '../support/components.ts';
import { checkout } from '../support/weft-program.ts';

const skip = missing('npm');
const folder = mkdtempSync(join(tmpdir(), 'weft-package-'));
const app = join(folder, 'app');
const weft = join(app, 'node_modules/.bin/weft');
const installed = join(app, 'node_modules/weft');
const children: Child[] = [];

/** A machine of its own: this Node, and nothing of the checkout's. */
const env: NodeJS.ProcessEnv = {
  PATH: `${join(folder, 'bin')}:/usr/bin:/bin`,
  HOME: folder,
  XDG_STATE_HOME: join(folder, 'state'),
};

before(() => {
  if (skip !== false) return;
  mkdirSync(join(folder, 'bin'));
  mkdirSync(app);
  symlinkSync(process.execPath, join(folder, 'bin/node'));
  const npm = (cwd: string, ...args: readonly string[]): string =>
    execFileSync('npm', args, { cwd, env: { ...process.env, HOME: folder }, encoding: 'utf8', timeout: 120_000 });
  const [file = ''] = npm(checkout, 'pack', '--silent', '--pack-destination', folder).trim().split('\n').slice(-1);
  npm(app, 'install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', join(folder, file));
});

after(async () => {
  for (const child of children.toReversed()) await child.stop();
  rmSync(folder, { recursive: true, force: true });
});

function run(...args: readonly string[]): Child {
  const child = new Child(weft, args, { cwd: app, env });
  children.push(child);
  return child;
}

test('it brings no sources and needs no other package', { skip }, () => {
  for (const absent of ['src', 'tools', 'node_modules']) assert.ok(!existsSync(join(installed, absent)), absent);
  assert.ok(existsSync(join(installed, 'LICENSE')) && existsSync(join(installed, 'dist/LICENCES.txt')));
});

test('it tells its version', { skip }, async () => {
  const { code, stdout, stderr } = await run('version', '--client').finished(30_000);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^weft \d/);
});

test('a control plane and a service under a sidecar', { skip }, async () => {
  const up = run('up', '--listen', '127.0.0.1:0', '--xds-listen', '127.0.0.1:0');
  await up.said(/control plane is running/, 30_000);
  const server = 'require("node:http").createServer((_, r) => r.end("hello")).listen(process.env.PORT, "127.0.0.1")';
  run('run', '--service', 'hello', '--port', 'auto', '--', 'env', 'PORT=0', 'node', '-e', server);
  await until('hello takes traffic', 30_000, async () => {
    return /hello.*yes/.test((await run('get', 'workloads').finished(30_000)).stdout);
  });
  const ask = 'fetch("http://hello/").then((r) => r.text()).then((t) => console.log(t, process.env.MALLOC_ARENA_MAX))';
  const me = await run('run', '--service', 'me', '--uses', 'hello', '--', 'node', '-e', ask).finished(60_000);
  assert.equal(me.code, 0, me.stderr);
  assert.match(me.stdout, /^hello undefined$/m);
});

test('what the sidecar compiled is kept for the next start, for nobody else to write', { skip }, async () => {
  const folderOfIt = join(installed, 'dist/compile-cache');
  assert.equal(lstatSync(folderOfIt).mode & 0o777, 0o700);
  const isCode = (name: string): boolean =>
    name.startsWith(`sidecar.js-${process.version}-`) && /-[0-9a-f]{64}$/.test(name);
  await until('it is there', 10_000, () => readdirSync(folderOfIt).some(isCode));
});

test('compiled code that others may write is not run', { skip }, async () => {
  const shared = join(installed, 'dist/compile-cache');
  chmodSync(shared, 0o777);
  const own = join(folder, '.cache/weft');
  rmSync(own, { recursive: true, force: true });
  await run('version', '--client').finished(30_000);
  chmodSync(shared, 0o700);
  assert.equal(lstatSync(own).mode & 0o777, 0o700);
});

test('a stack trace names lines of the source', { skip }, async () => {
  const child = new Child(weft, ['get', 'nonsense'], { cwd: app, env: { ...env, WEFT_DEBUG: '1' } });
  const { stderr } = await child.finished(30_000);
  assert.match(stderr, /src\/cli\/[\w/-]+\.ts:\d+/);
});
