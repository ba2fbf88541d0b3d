/**
 * Opens store.db for this process alone, or refuses and leaves the file as it is: a store that is locked, damaged,
 * foreign or newer than this program is never written to.
 */
import { chmodSync, closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { messageOf, WeftError } from '../../../core/errors.ts';
import { makeDirectory } from '../../../core/make-directory.ts';
import { APPLICATION_ID, MIGRATIONS, type Migration } from './schema.ts';

const MAGIC = 'SQLite format 3\0';

/** Primary result codes of SQLite. */
const BUSY = 5;
const LOCKED = 6;
const CORRUPT = 11;
const NOT_A_DATABASE = 26;

/** Throws WeftError `locked`, `invalid` (damaged or foreign), `unsupported` (newer schema) or `io`. */
export function openDatabase(path: string, migrations: readonly Migration[] = MIGRATIONS): DatabaseSync {
  const fresh = prepareFile(path);
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    // Before the first access of the file, so that the write-ahead log needs no shared memory and the lock is kept.
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    if (!fresh) assertOurs(database, path, migrations);
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON');
    migrate(database, migrations);
    return database;
  } catch (error) {
    database.close();
    throw translate(error, path);
  }
}

/** Makes the file with the right mode when it is missing; true when it holds nothing yet. */
function prepareFile(path: string): boolean {
  let file: number | null = null;
  try {
    makeDirectory(dirname(path), 0o700);
    file = openSync(path, 'a+', 0o600);
    chmodSync(path, 0o600);
    if (fstatSync(file).size === 0) return true;
    const head = Buffer.alloc(MAGIC.length);
    readSync(file, head, 0, head.length, 0);
    if (head.toString('latin1') !== MAGIC) throw damaged(path, 'it is not a SQLite database');
    return false;
  } catch (error) {
    throw translate(error, path);
  } finally {
    if (file !== null) closeSync(file);
  }
}

function assertOurs(database: DatabaseSync, path: string, migrations: readonly Migration[]): void {
  const tables = database.prepare('SELECT count(*) AS count FROM sqlite_schema').get();
  if (Number(tables?.['count']) > 0 && pragma(database, 'application_id') !== APPLICATION_ID) {
    throw new WeftError('invalid', {
      what: 'the file is a database of another program',
      where: path,
      hint: 'Name another state directory with --state-dir',
    });
  }
  const version = pragma(database, 'user_version');
  const known = migrations.at(-1)?.version ?? 0;
  if (version > known) {
    throw new WeftError('unsupported', {
      what: `the store has schema version ${version} and this program knows up to ${known}`,
      where: path,
      hint: 'Run the version of Weft that wrote it, or a newer one; nothing was changed',
    });
  }
  const [first] = database.prepare('PRAGMA quick_check(1)').all();
  const verdict = String(first?.['quick_check'] ?? '');
  if (verdict !== 'ok') throw damaged(path, verdict);
}

function migrate(database: DatabaseSync, migrations: readonly Migration[]): void {
  const version = pragma(database, 'user_version');
  database.exec('BEGIN EXCLUSIVE');
  database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
  for (const step of migrations) {
    if (step.version <= version) continue;
    database.exec(step.sql);
    database.exec(`PRAGMA user_version = ${step.version}`);
  }
  database.exec('COMMIT');
}

function pragma(database: DatabaseSync, name: 'application_id' | 'user_version'): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}

function damaged(path: string, why: string): WeftError {
  return new WeftError('invalid', {
    what: `the store is damaged: ${why}`,
    where: path,
    hint: 'It was left untouched: restore a copy of it, or move it away to start with an empty store',
  });
}

/** The one place where errors of SQLite and of the file system become ours. */
export function translate(error: unknown, path: string): WeftError {
  if (error instanceof WeftError) return error;
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : -1;
  if (code === BUSY || code === LOCKED) {
    return new WeftError('locked', {
      what: 'another control plane runs on this state directory',
      where: dirname(path),
      hint: 'Stop it, or give this one a directory of its own with --state-dir',
      cause: error,
    });
  }
  if (code === CORRUPT || code === NOT_A_DATABASE || error instanceof SyntaxError)
    return damaged(path, messageOf(error));
  return new WeftError('io', { what: `the store cannot be used: ${messageOf(error)}`, where: path, cause: error });
}
