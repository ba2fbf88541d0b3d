/**
 * The embedded store's disk: one SQLite file in write-ahead mode, flushed to the medium before a group of commits is
 * acknowledged. The history keeps what each change overwrote; new values stand in `objects` and need no second copy.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Key, Resource } from '../../../api/resource.ts';
import { deepFreeze } from '../freeze.ts';
import type { Entry, Persisted, Persistence } from '../persistence.ts';
import { openDatabase, translate } from './open.ts';

/** Errors as `openDatabase`; `append` throws `io` when the disk refuses. */
export function openSqlitePersistence(path: string): Persistence {
  const database = openDatabase(path);
  const overwrite = database.prepare(
    `INSERT INTO history (revision, ordinal, kind, namespace, name, previous) VALUES (?1, ?2, ?3, ?4, ?5,
       (SELECT value FROM objects WHERE kind = ?3 AND namespace = ?4 AND name = ?5))`,
  );
  const put = database.prepare(
    `INSERT INTO objects (kind, namespace, name, value) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET value = excluded.value`,
  );
  const remove = database.prepare('DELETE FROM objects WHERE kind = ? AND namespace = ? AND name = ?');
  const forget = database.prepare('DELETE FROM history WHERE revision <= ?');
  const move = database.prepare('UPDATE position SET revision = max(revision, ?), compacted = ? WHERE id = 1');
  let compactedBefore = -1;

  function write(entries: readonly Entry[], compacted: number): void {
    for (const entry of entries) {
      for (const [ordinal, { key }] of entry.changes.entries()) {
        overwrite.run(entry.revision, ordinal, key.kind, key.namespace, key.name);
        const text = entry.texts[ordinal] ?? null;
        if (text === null) remove.run(key.kind, key.namespace, key.name);
        else put.run(key.kind, key.namespace, key.name, text);
      }
    }
    if (compacted !== compactedBefore) forget.run(compacted);
    move.run(entries.at(-1)?.revision ?? 0, compacted);
  }

  return {
    load() {
      try {
        const persisted = readAll(database);
        compactedBefore = persisted.compacted;
        return persisted;
      } catch (error) {
        throw translate(error, path);
      }
    },
    append(entries, compacted) {
      try {
        database.exec('BEGIN IMMEDIATE');
        write(entries, compacted);
        database.exec('COMMIT');
        compactedBefore = compacted;
      } catch (error) {
        rollBack(database);
        throw translate(error, path);
      }
    },
    close() {
      if (database.isOpen) database.close();
    },
  };
}

/** SQLite has rolled back by itself after some errors (a full disk); then there is nothing to do. */
function rollBack(database: DatabaseSync): void {
  if (database.isTransaction) database.exec('ROLLBACK');
}

function readAll(database: DatabaseSync): Persisted {
  const position = database.prepare('SELECT revision, compacted FROM position').get();
  const objects: Resource[] = [];
  for (const row of database.prepare('SELECT value FROM objects').iterate()) objects.push(parse(row['value']));
  const history: { revision: number; key: Key; previous: Resource | null }[] = [];
  for (const row of database.prepare('SELECT * FROM history ORDER BY revision, ordinal').iterate()) {
    history.push({
      revision: Number(row['revision']),
      key: { kind: String(row['kind']), namespace: String(row['namespace']), name: String(row['name']) },
      previous: row['previous'] === null ? null : parse(row['previous']),
    });
  }
  return { revision: Number(position?.['revision']), compacted: Number(position?.['compacted']), objects, history };
}

function parse(text: unknown): Resource {
  return deepFreeze(JSON.parse(String(text)) as Resource);
}
