import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createNodeRuntime } from '../../runtime/node/runtime.ts';
import { sessionTickets, ticketSecret } from './ticket-secret.ts';

const { files, random } = createNodeRuntime();
const WEEK_MS = 7 * 24 * 3_600_000;

async function stateDir(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'weft-tickets-'));
  t.after(() => rm(directory, { recursive: true }));
  return directory;
}

test('the secret outlives the process, in a file for its user alone, and a damaged one is made anew', async (t) => {
  const directory = await stateDir(t);
  const secret = await ticketSecret(files, random, directory);
  assert.equal(secret.length, 32);
  assert.deepEqual(new Uint8Array(await ticketSecret(files, random, directory)), secret);
  const path = join(directory, 'ca', 'session-tickets.key');
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  await writeFile(path, 'short');
  const other = await ticketSecret(files, random, directory);
  assert.notDeepEqual(other, secret);
  assert.deepEqual(new Uint8Array(await ticketSecret(files, random, directory)), other);
});

test('the key is that of its secret, trust bundle and week, and of no other', () => {
  const secret = new Uint8Array(32).fill(1);
  const at = 100 * WEEK_MS;
  const { key, lifetimeMs } = sessionTickets(secret, 'bundle', at);
  assert.equal(key.length, 48);
  assert.ok(lifetimeMs <= WEEK_MS);
  assert.deepEqual(sessionTickets(secret, 'bundle', at + WEEK_MS - 1).key, key);
  const others = [
    sessionTickets(secret, 'bundle', at + WEEK_MS),
    sessionTickets(secret, 'bundle of two', at),
    sessionTickets(new Uint8Array(32).fill(2), 'bundle', at),
  ];
  for (const other of others) assert.notDeepEqual(other.key, key);
});
