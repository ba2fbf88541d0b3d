/** Join tokens from the outside, as somebody on another machine has them: each way to fail is one clear sentence, and no identity. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Finished } from '../support/child.ts';
import { LiveMesh } from '../support/live-mesh.ts';
import { weft } from '../support/weft-program.ts';

interface Token {
  readonly id: string;
  readonly token: string;
  readonly server: string;
  readonly caHash: string;
}

const mesh = new LiveMesh();

before(() => mesh.start());
after(() => mesh.close());

async function createToken(...flags: string[]): Promise<Token> {
  const { code, stdout, stderr } = await mesh.weft(['token', 'create', '-o', 'json', ...flags]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Token;
}

let machines = 0;

/** `weft run` with a state directory that knows nothing of the mesh. */
function joinElsewhere(token: Pick<Token, 'token' | 'server' | 'caHash'>, ...words: string[]): Promise<Finished> {
  const stateDir = join(mesh.directory, `machine-${++machines}`);
  mkdirSync(stateDir, { mode: 0o700 });
  const place = ['--control-plane', token.server, '--ca-hash', token.caHash];
  const env = { WEFT_STATE_DIR: stateDir, WEFT_TOKEN: token.token };
  return weft(['run', ...place, ...words, '--', 'echo', 'joined'], { env, limitMs: 45_000 });
}

function assertRefused({ code, stdout, stderr }: Finished, reason: RegExp): void {
  assert.notEqual(code, 0);
  assert.equal(stdout, '', 'the application never ran');
  assert.match(stderr, reason);
  assert.doesNotMatch(stderr, /\n\s+at |internal|this is a bug/, 'a sentence, not a stack');
}

test('a token admits one workload, and is used up then', async () => {
  const token = await createToken('--service', 'billing');
  const first = await joinElsewhere(token, '--service', 'billing');
  assert.deepEqual([first.code, first.stdout], [0, 'joined\n'], first.stderr);
  assertRefused(await joinElsewhere(token, '--service', 'billing'), /token/i);
  assert.match(mesh.controlPlane.stderr + mesh.controlPlane.stdout, new RegExp(token.id), 'logged, by its id');
});

test('a token of many uses admits many', async () => {
  const token = await createToken('--service', 'billing', '--uses', '2');
  for (let i = 0; i < 2; i++) assert.equal((await joinElsewhere(token, '--service', 'billing')).code, 0);
  assertRefused(await joinElsewhere(token, '--service', 'billing'), /token/i);
});

test('an expired token', async () => {
  const token = await createToken('--service', 'billing', '--ttl', '1s');
  await sleep(1_500);
  assertRefused(await joinElsewhere(token, '--service', 'billing'), /expired/i);
});

test('a deleted token', async () => {
  const token = await createToken('--service', 'billing');
  assert.equal((await mesh.weft(['token', 'delete', token.id])).code, 0);
  assertRefused(await joinElsewhere(token, '--service', 'billing'), /token/i);
});

test('a token of another service, of another account, of another namespace', async () => {
  const token = await createToken('--service', 'billing', '--uses', '0');
  assertRefused(await joinElsewhere(token, '--service', 'catalog'), /service|allow/i);
  assertRefused(await joinElsewhere(token, '--service', 'billing', '--account', 'root'), /account|allow/i);
  assertRefused(await joinElsewhere(token, '--service', 'billing', '-n', 'other'), /namespace|allow/i);
  assert.equal((await joinElsewhere(token, '--service', 'billing')).code, 0, 'what it does allow still works');
});

test('malformed tokens', async () => {
  const token = await createToken('--service', 'billing');
  for (const text of [
    'nonsense',
    'weft-join-',
    `${token.token}x`,
    token.token.slice(0, -1),
    'weft-join-0000000000000000.AAAA',
  ])
    assertRefused(await joinElsewhere({ ...token, token: text }, '--service', 'billing'), /token/i);
});

test('a control plane whose CA is not the one of the hash is not spoken to', async () => {
  const token = await createToken('--service', 'billing');
  const wrong = `sha256:${'ab'.repeat(32)}`;
  assertRefused(await joinElsewhere({ ...token, caHash: wrong }, '--service', 'billing'), /hash|CA/);
  assertRefused(await joinElsewhere({ ...token, caHash: 'sha256:short' }, '--service', 'billing'), /hash/i);
  assert.equal((await joinElsewhere(token, '--service', 'billing')).code, 0, 'the token was not given away');
});

test('no token at all', async () => {
  const token = await createToken('--service', 'billing');
  assertRefused(await joinElsewhere({ ...token, token: '' }, '--service', 'billing'), /WEFT_TOKEN/);
});

test('nothing of a secret is in the log of the control plane, nor on its disk beside the keys', async () => {
  const token = await createToken('--service', 'billing');
  await joinElsewhere(token, '--service', 'billing');
  const secret = token.token.split('.')[1] ?? '';
  assert.ok(secret.length > 20);
  assert.ok(!(mesh.controlPlane.stderr + mesh.controlPlane.stdout).includes(secret));
  assert.ok(existsSync(join(mesh.stateDir, 'store.db')));
});
