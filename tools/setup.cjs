/**
 * Makes a fresh clone runnable with whatever Node (20 or newer) the machine has: installs the locked dependencies when
 * they are missing or stale, and checks that the pinned Node among them runs here. Plain JavaScript, because it runs
 * before there is a Node that reads TypeScript; it hangs on `prestart` and `pretest`, because within one script line
 * the shell keeps the `node` that it found first.
 */
'use strict';
var oldest = 20;
var needed = 24;
var major = Number(process.versions.node.split('.')[0]);
if (major < oldest) {
  console.error(
    'weft: Node ' +
      process.versions.node +
      ' is too old to set Weft up (' +
      process.execPath +
      '). ' +
      'Install Node ' +
      oldest +
      ' or newer (a current one is best) and run the command again.',
  );
  process.exit(1);
}

const { execFileSync, spawnSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const root = path.resolve(__dirname, '..');
const modules = path.join(root, 'node_modules');
const stamp = path.join(modules, '.weft-installed');
const pinned = path.join(modules, '.bin', 'node');

install();
const node = usableNode();
if (process.argv.includes('--build')) build(node);
if (process.argv.includes('--print-node')) process.stdout.write(node + '\n');

function install() {
  const want = treeOf(fs.readFileSync(path.join(root, 'package-lock.json'), 'utf8'));
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === want) {
    if (!isLinked()) fs.utimesSync(stamp, new Date(), new Date());
    return;
  }
  if (isLinked()) {
    console.error(
      'weft: ' + modules + ' is a symbolic link: what is behind it is used as it is, and not installed anew.',
    );
    return;
  }
  console.error('weft: installing dependencies (once per version of package-lock.json) …');
  const npm = process.env.npm_execpath;
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const result = npm
    ? spawnSync(process.execPath, [npm].concat(args), { cwd: root, stdio: ['ignore', 2, 2] })
    : spawnSync('npm', args, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
  if (result.status !== 0) {
    console.error(
      'weft: `npm ci` failed in ' +
        root +
        '. Read the lines above; a registry that cannot be reached is the usual cause.',
    );
    process.exit(1);
  }
  fs.writeFileSync(stamp, want);
}

/** Behind a link is another checkout's tree, which `npm ci` would delete first. */
function isLinked() {
  const found = fs.lstatSync(modules, { throwIfNoEntry: false });
  return found !== undefined && found.isSymbolicLink();
}

/** What the lock installs here, as a hash: what else changes in it calls for no installation. */
function treeOf(lock) {
  const { packages } = JSON.parse(lock);
  const lines = Object.keys(packages)
    .filter((place) => place !== '')
    .map((place) => place + ' ' + packages[place].resolved + ' ' + packages[place].integrity);
  return createHash('sha256')
    .update(lines.sort().join('\n'))
    .update(process.platform + process.arch)
    .digest('hex');
}

/** The pinned Node when it runs on this machine (a musl system, say, has it and cannot run it), else the user's own. */
function usableNode() {
  if (fs.existsSync(pinned)) {
    const tried = spawnSync(pinned, ['-p', 'process.versions.node'], { encoding: 'utf8' });
    if (tried.status === 0 && Number(tried.stdout.split('.')[0]) >= needed) return pinned;
    if (!isLinked()) fs.rmSync(pinned, { force: true });
  }
  const own = process.execPath;
  if (major >= needed) return own;
  console.error(
    'weft: no prebuilt Node fits this machine (' +
      process.platform +
      ' ' +
      process.arch +
      ') and your own is ' +
      process.versions.node +
      '. Install Node ' +
      needed +
      ' or newer and run the command again.',
  );
  return process.exit(1);
}

function build(node) {
  execFileSync(node, [path.join(root, 'tools', 'build.ts'), '--if-stale'], { cwd: root, stdio: ['ignore', 2, 2] });
}
