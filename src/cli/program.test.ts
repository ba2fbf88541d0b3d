/** The program as a user meets it: what it says, where it says it, and how it exits. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { EXIT } from './exit-codes.ts';
import { VERSION } from './version.ts';

const MAIN = new URL('main.ts', import.meta.url).pathname;

function weft(cwd: string, ...words: string[]) {
  const env = { ...process.env, XDG_STATE_HOME: cwd, WEFT_STATE_DIR: '', WEFT_TOKEN: '', NO_COLOR: '1' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], {
    cwd,
    env,
    encoding: 'utf8',
    input: '',
  });
  return { status, stdout, stderr };
}

function scratch(t: { after(run: () => void): void }): string {
  const directory = mkdtempSync(join(tmpdir(), 'weft-test-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

test('mistakes of usage say what, and what to do, on standard error alone', (t) => {
  const cwd = scratch(t);
  const mistakes: [string[], RegExp, RegExp][] = [
    [['aply'], /unknown command 'aply'/, /Did you mean apply\?/],
    [['get', 'servics'], /no kind "servics"/, /Did you mean "services"\?/],
    [['get', 'services', '--wach'], /unknown option '--wach'/, /Did you mean --watch\?/],
    [['get', 'services', '-o', 'xml'], /--output xml is not possible here/, /table, wide, yaml, json, name/],
    [['run', '--service', 'web'], /no command to run/, /weft run --service NAME -- COMMAND/],
    [['run', '--service', 'web', '--control-plane', 'https://x', '--', 'true'], /needs --ca-hash/, /token create/],
    [
      ['run', '-s', 'a', '--proxy', 'none', '--port', 'auto', '--', 'true'],
      /--port auto does not go with/,
      /50051:grpc/,
    ],
    [['run', '-s', 'a', '--proxy', 'none', '--xds-at', 'x', '--', 'true'], /--xds-at x is no place/, /unix, loopback/],
    [['dev', '--json'], /--json needs --for/, /--for 10s/],
    [['completion', 'zhs'], /no completion for zhs/, /"zsh"/],
    [['help', 'nothing'], /no command nothing/, /weft help/],
  ];
  for (const [words, what, hint] of mistakes) {
    const { status, stdout, stderr } = weft(cwd, ...words);
    assert.equal(status, EXIT.usage, `${words.join(' ')}: ${stderr}`);
    assert.equal(stdout, '');
    assert.match(stderr, what);
    assert.match(stderr, hint);
    assert.doesNotMatch(stderr, /\n\s+at /, 'no stack');
  }
});

test('a state directory that cannot be made is the user’s to mend, not a bug', (t) => {
  const cwd = scratch(t);
  writeFileSync(join(cwd, 'file'), '');
  const { status, stderr } = weft(cwd, 'up', '--state-dir', join(cwd, 'file/state'));
  assert.notEqual(status, 0);
  assert.match(stderr, /the state directory cannot be made/);
  assert.match(stderr, /--state-dir/);
  assert.doesNotMatch(stderr, /bug/);
});

test('without a control plane every command that needs one says so and exits with its own code', (t) => {
  const cwd = scratch(t);
  for (const words of [
    ['status'],
    ['get', 'services'],
    ['top', '--once'],
    ['token', 'list'],
    ['run', '--service', 'a', '--', 'true'],
  ]) {
    const { status, stderr } = weft(cwd, ...words);
    assert.equal(status, EXIT.unavailable, stderr);
    assert.match(
      stderr,
      /no control plane has run with this state directory\n {2}where: .*admin\.json\n {2}try: {3}.*weft up/,
    );
  }
});

test('documents are refused with every violation before a control plane is asked', (t) => {
  const cwd = scratch(t);
  writeFileSync(
    join(cwd, 'bad.yaml'),
    'apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  ports: [{port: 0}, {port: 80}]\n',
  );
  const { status, stdout, stderr } = weft(cwd, 'apply', '-f', 'bad.yaml');
  assert.equal(status, EXIT.refused);
  assert.equal(stdout, '');
  assert.match(stderr, /^bad\.yaml:5:12: Service web: spec\.ports\[0\]\.port must be at least 1$/m);
  assert.match(stderr, /violations?: nothing was applied/);
});

test('a project with violations starts nothing', (t) => {
  const cwd = scratch(t);
  writeFileSync(join(cwd, 'weft.yaml'), 'services:\n  web:\n    port: 80\n');
  const { status, stderr } = weft(cwd, 'dev');
  assert.equal(status, EXIT.refused);
  assert.match(stderr, /weft\.yaml:2:3: services\.web\.command is required/);
  assert.equal(weft(scratch(t), 'dev').status, EXIT.notFound);
});

test('help names every command, exit codes are documented, the version needs no control plane', (t) => {
  const cwd = scratch(t);
  const help = weft(cwd);
  assert.equal(help.status, EXIT.ok);
  for (const word of [
    'dev',
    'up',
    'run',
    'apply',
    'get',
    'describe',
    'delete',
    'status',
    'top',
    'explain',
    'token',
    'check',
    'completion',
  ]) {
    assert.match(help.stdout, new RegExp(`^  ${word}\\b`, 'm'));
  }
  assert.match(weft(cwd, 'help', 'exit-codes').stdout, /^ {2}3 {2}The control plane cannot be reached/m);
  assert.match(weft(cwd, 'help', 'run').stdout, /--ca-hash/);
  assert.equal(weft(cwd, '--version').stdout.split(' ')[1], VERSION);
  assert.equal(
    (JSON.parse(weft(cwd, 'version', '-o', 'json').stdout) as { client: { version: string } }).client.version,
    VERSION,
  );
});

test('check tells what holds of the machine and exits with 0 when nothing failed', (t) => {
  const { status, stdout } = weft(scratch(t), 'check', '--pre', '-o', 'json');
  const report = JSON.parse(stdout) as { ok: boolean; groups: { checks: { what: string; state: string }[] }[] };
  assert.equal(status, report.ok ? EXIT.ok : EXIT.failure);
  assert.ok(
    report.groups[0]?.checks.some((each) => each.what === `Node ${process.versions.node}` && each.state === 'ok'),
  );
});
