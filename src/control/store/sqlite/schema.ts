/**
 * The schema of store.db and its versions. Each step brings a file of the version before it up to its own; steps are
 * only ever added, so that every store that Weft has ever written can be opened.
 */
export interface Migration {
  readonly version: number;
  readonly sql: string;
}

/** `application_id` of the file: "WEFT". A database without it is somebody else's. */
export const APPLICATION_ID = 0x57_45_46_54;

export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    sql: `
      CREATE TABLE objects (
        kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
        PRIMARY KEY (kind, namespace, name)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE history (
        revision INTEGER NOT NULL, ordinal INTEGER NOT NULL,
        kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
        previous TEXT,
        PRIMARY KEY (revision, ordinal)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE position (
        id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL, compacted INTEGER NOT NULL
      ) STRICT;
      INSERT INTO position VALUES (1, 0, 0);
    `,
  },
];
