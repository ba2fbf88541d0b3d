import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { isWeftError } from '../../../core/errors.ts';
import { openDatabase } from './open.ts';
import { APPLICATION_ID, MIGRATIONS } from './schema.ts';
import { openSqliteStore } from './sqlite-store.ts';

const directory = mkdtempSync(join(tmpdir(), 'weft-sqlite-'));
after(() => rmSync(directory, { recursive: true }));
const WRITER = new URL('writer.fixture.ts', import.meta.url).pathname;

function failsWith(code: string, text: RegExp) {
  return (error: unknown) => isWeftError(error) && error.code === code && text.test(error.message);
}

async function writeOne(path: string): Promise<void> {
  const store = openSqliteStore(path);
  const value = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a', namespace: 'b' }, spec: {} };
  await store.commit([{ key: { kind: 'Service', namespace: 'b', name: 'a' }, value }], []);
  await store.close();
}

test('the file and its log are readable by the owner only', async () => {
  const path = join(directory, 'deep', 'mode.db');
  const store = openSqliteStore(path);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(statSync(`${path}-wal`).mode & 0o777, 0o600);
  assert.equal(statSync(join(directory, 'deep')).mode & 0o777, 0o700);
  await store.close();
});

test('a store that another process holds is refused, with its directory and what to do', async () => {
  const path = join(directory, 'held.db');
  const holder = spawn(process.execPath, [WRITER, path, '1'], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(createInterface(holder.stdout), 'line');
  assert.throws(() => openSqliteStore(path), failsWith('locked', new RegExp(`${directory}.*--state-dir`)));
  holder.kill('SIGKILL');
  await once(holder, 'close');
  await openSqliteStore(path).close();
});

test('a file that is not a database is refused and left as it was', () => {
  const path = join(directory, 'text.db');
  writeFileSync(path, 'my diary '.repeat(1000));
  const before = readFileSync(path);
  assert.throws(() => openSqliteStore(path), failsWith('invalid', /left untouched/));
  assert.deepEqual(readFileSync(path), before);
});

test('a damaged store is refused and left as it was', async () => {
  const path = join(directory, 'damaged.db');
  await writeOne(path);
  const bytes = readFileSync(path);
  bytes.fill(0xff, 4096 + 100, 8192);
  writeFileSync(path, bytes);
  assert.throws(() => openSqliteStore(path), failsWith('invalid', /damaged.*left untouched/));
  assert.deepEqual(readFileSync(path), bytes);
});

test('a database of another program is refused and left as it was', () => {
  const path = join(directory, 'foreign.db');
  const foreign = openDatabase(path, []);
  foreign.exec('CREATE TABLE songs (title TEXT); PRAGMA application_id = 7');
  foreign.close();
  const before = readFileSync(path);
  assert.throws(() => openSqliteStore(path), failsWith('invalid', /another program/));
  assert.deepEqual(readFileSync(path), before);
});

test('a newer schema is refused and left as it was', async () => {
  const path = join(directory, 'newer.db');
  await writeOne(path);
  openDatabase(path, [...MIGRATIONS, { version: 99, sql: 'CREATE TABLE future (id INTEGER)' }]).close();
  const before = readFileSync(path);
  assert.throws(() => openSqliteStore(path), failsWith('unsupported', /schema version 99.*knows up to 1/));
  assert.deepEqual(readFileSync(path), before);
});

test('an older schema is migrated step by step, and a step that fails changes nothing', async () => {
  const path = join(directory, 'older.db');
  await writeOne(path);
  const good = { version: 2, sql: 'CREATE TABLE second (id INTEGER)' };
  const bad = { version: 3, sql: 'CREATE TABLE third (id INTEGER); SELECT nonsense' };
  assert.throws(() => openDatabase(path, [...MIGRATIONS, good, bad]), failsWith('io', /nonsense/));
  const database = openDatabase(path, [...MIGRATIONS, good]);
  assert.equal(database.prepare('PRAGMA user_version').get()?.['user_version'], 2);
  assert.equal(database.prepare('PRAGMA application_id').get()?.['application_id'], APPLICATION_ID);
  assert.equal(database.prepare('SELECT count(*) AS n FROM second').get()?.['n'], 0);
  assert.equal(database.prepare('SELECT count(*) AS n FROM objects').get()?.['n'], 1);
  database.close();
});

test('migrations are numbered upwards without gaps', () => {
  assert.deepEqual(
    MIGRATIONS.map((step) => step.version),
    MIGRATIONS.map((_, index) => index + 1),
  );
});

test('kill -9 at random moments of 1,000 writes loses no acknowledged write and leaves a store that opens', async () => {
  const path = join(directory, 'killed.db');
  let acknowledged = 0;
  for (let round = 0; acknowledged < 1000; round += 1) {
    const writer = spawn(process.execPath, [WRITER, path, '1000'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface(writer.stdout);
    const stopAt = Math.min(acknowledged + 1 + Math.floor(Math.random() * 300), 1000);
    lines.on('line', (line) => {
      const written = Number(line);
      assert.ok(written >= acknowledged, 'the writer goes on from what is stored');
      acknowledged = written;
      if (acknowledged >= stopAt) setTimeout(() => writer.kill('SIGKILL'), Math.random() * 3);
    });
    await once(writer, 'close');
    const store = openSqliteStore(path);
    const { items } = await store.list('Service');
    await store.close();
    const stored = new Set(items.map((item) => item.metadata.name));
    for (let n = 1; n <= acknowledged; n += 1) assert.ok(stored.has(`s-${n}`), `write ${n} was lost in round ${round}`);
    assert.ok(round < 200, 'the writer makes progress');
  }
});
