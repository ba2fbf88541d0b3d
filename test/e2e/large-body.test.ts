/** A body of 1 GiB arrives whole, and costs the two sidecars less than 32 MiB together, whether it is read fast, slowly or not at all. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from '../support/child.ts';
import { missing } from '../support/components.ts';
import { freePort, LiveMesh } from '../support/live-mesh.ts';
import type { MeshShell } from '../support/mesh-shell.ts';
import { blocks } from './apps/large-body.ts';

const MIB = 1024 * 1024;
const SIZE = 1024 * MIB;
const STOPPED_SIZE = 512 * MIB;
/** Of both sidecars together. */
const MAX_GROWTH = 32 * MIB;
const skip = missing('curl', 'sha256sum') || (process.platform === 'linux' ? false : 'reads memory from /proc');

const mesh = new LiveMesh();
let server: Child;
let shell: MeshShell;

before(async () => {
  if (skip !== false) return;
  await mesh.start();
  const port = await freePort();
  const app = join(import.meta.dirname, 'apps', 'large-body.ts');
  server = await mesh.serve({ service: 'files', ports: [port] }, process.execPath, app, String(port));
  shell = await mesh.shell({ service: 'reader', uses: ['files'] });
  await shell.output('curl -sS -m 30 -o /dev/null http://files/1000');
});
after(() => mesh.close());

function hashOf(size: number): string {
  const hash = createHash('sha256');
  for (const block of blocks(size)) hash.update(block);
  return hash.digest('hex');
}

/** Of its own: the pages of Node's executable are the machine's, and are read in as its code is first needed. */
function residentBytes(pid: number): number {
  return Number(/^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

/** The most that each process grew while the work ran. */
async function growthDuring(pids: readonly number[], work: Promise<unknown>): Promise<number[]> {
  const before = pids.map(residentBytes);
  const most = pids.map(() => 0);
  const ended = work.then(
    () => true,
    () => true,
  );
  while (!(await Promise.race([ended, sleep(25, false)]))) {
    for (const [i, pid] of pids.entries()) most[i] = Math.max(most[i] ?? 0, residentBytes(pid) - (before[i] ?? 0));
  }
  await work;
  return most;
}

/** `growth`: beside the server, then beside the reader. */
function assertSmall(growth: readonly number[], t: TestContext): void {
  const [ofServer = 0, ofReader = 0] = growth;
  const told = `grew by ${(ofServer / MIB).toFixed(1)} MiB beside the server, by ${(ofReader / MIB).toFixed(1)} MiB beside the reader`;
  t.diagnostic(told);
  assert.ok(ofServer + ofReader < MAX_GROWTH, told);
}

for (const [how, limit, url] of [
  ['by a slow reader', '--limit-rate 90M', 'http://files'],
  ['as fast as it can be read', '', 'http://files'],
  [
    'over the address for any TCP, by a slow reader',
    '--limit-rate 150M',
    'http://$FILES_SERVICE_HOST:$FILES_SERVICE_PORT',
  ],
] as const) {
  test(`1 GiB ${how}`, { skip, timeout: 120_000 }, async (t) => {
    const download = shell.output(`curl -sS -m 90 ${limit} "${url}/${SIZE}" | sha256sum`, 100_000);
    const growth = await growthDuring([server.pid, shell.child.pid], download);
    assert.equal((await download).split(' ')[0], hashOf(SIZE));
    assertSmall(growth, t);
  });
}

test('a reader that stops for seconds, with everything full behind it, costs no more', {
  skip,
  timeout: 60_000,
}, async (t) => {
  const download = shell.output(`curl -sS -m 50 http://files/${STOPPED_SIZE} | (sleep 4; sha256sum)`, 55_000);
  const growth = await growthDuring([server.pid, shell.child.pid], download);
  assert.equal((await download).split(' ')[0], hashOf(STOPPED_SIZE));
  assertSmall(growth, t);
});

test('all of it was carried with mTLS', { skip }, async () => {
  await mesh.assertSecure('files', 'requests', 'inbound', ['reader', 'files'], 4);
  await mesh.assertSecure('reader', 'requests', 'outbound', ['reader', 'files'], 4);
});
