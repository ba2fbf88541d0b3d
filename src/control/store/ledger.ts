/**
 * The present objects and the recent commits, in memory: what reads and watches are served from. It changes only in
 * `install`, after the disk has what is installed, so that nobody ever sees a write that could still be lost.
 */
import { type Key, keyOf, type Resource } from '../../api/resource.ts';
import { WeftError } from '../../core/errors.ts';
import type { Entry, Persisted } from './persistence.ts';
import type { StoredChange } from './store.ts';

export interface HistoryBounds {
  /** Commits that are kept for watchers to resume from. */
  readonly maxCommits: number;
  /** JSON bytes of what those commits wrote. */
  readonly maxBytes: number;
}

interface Remembered {
  readonly revision: number;
  readonly changes: readonly StoredChange[];
  readonly bytes: number;
}

export class Ledger {
  readonly #kinds = new Map<string, Map<string, Resource>>();
  readonly #bounds: HistoryBounds;
  #history: Remembered[];
  #historyBytes = 0;
  #revision: number;
  #compacted: number;

  constructor(from: Persisted, bounds: HistoryBounds) {
    this.#bounds = bounds;
    this.#revision = from.revision;
    this.#compacted = from.compacted;
    for (const object of from.objects) this.#put(keyOf(object), object);
    this.#history = replay(from, (key) => this.get(key));
    for (const entry of this.#history) this.#historyBytes += entry.bytes;
  }

  get revision(): number {
    return this.#revision;
  }

  get compacted(): number {
    return this.#compacted;
  }

  get(key: Key): Resource | null {
    return this.#kinds.get(key.kind)?.get(place(key)) ?? null;
  }

  list(kind: string, namespace: string | undefined): readonly Resource[] {
    const found = [...(this.#kinds.get(kind)?.entries() ?? [])];
    const chosen = namespace === undefined ? found : found.filter(([at]) => at.startsWith(`${namespace}\0`));
    return chosen.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, resource]) => resource);
  }

  everything(): readonly Resource[] {
    return [...this.#kinds.keys()].sort().flatMap((kind) => this.list(kind, undefined));
  }

  /** Commits after `revision`, oldest first, at most `limit`. */
  after(revision: number, limit: number): readonly Remembered[] {
    if (revision < this.#compacted || revision > this.#revision) {
      throw new WeftError('too-old', {
        what: `revision ${revision} is not in the history`,
        where: `history holds ${this.#compacted} to ${this.#revision}`,
        hint: 'List again and watch from the revision of the list',
      });
    }
    const start = revision - this.#compacted;
    return this.#history.slice(start, start + limit);
  }

  /** The revision to compact to so that `added` more commits stay within the bounds; a tenth of slack keeps this rare. */
  overflow(added: number, addedBytes: number): number {
    let commits = this.#history.length + added;
    let bytes = this.#historyBytes + addedBytes;
    if (commits <= this.#bounds.maxCommits * 1.1 && bytes <= this.#bounds.maxBytes * 1.1) return this.#compacted;
    let to = this.#compacted;
    for (const entry of this.#history) {
      if (commits <= this.#bounds.maxCommits && bytes <= this.#bounds.maxBytes) break;
      commits -= 1;
      bytes -= entry.bytes;
      to = entry.revision;
    }
    return to;
  }

  install(entries: readonly Entry[], compacted: number): void {
    for (const entry of entries) {
      for (const change of entry.changes) this.#put(change.key, change.value);
      const bytes = entryBytes(entry);
      this.#history.push({ revision: entry.revision, changes: entry.changes, bytes });
      this.#historyBytes += bytes;
      this.#revision = entry.revision;
    }
    if (compacted === this.#compacted) return;
    const forgotten = this.#history.slice(0, compacted - this.#compacted);
    for (const entry of forgotten) this.#historyBytes -= entry.bytes;
    this.#history = this.#history.slice(forgotten.length);
    this.#compacted = compacted;
  }

  #put(key: Key, value: Resource | null): void {
    let objects = this.#kinds.get(key.kind);
    if (objects === undefined) {
      objects = new Map();
      this.#kinds.set(key.kind, objects);
    }
    if (value === null) objects.delete(place(key));
    else objects.set(place(key), value);
  }
}

export function entryBytes(entry: Entry): number {
  return entry.texts.reduce((sum, text) => sum + (text?.length ?? 64), 0);
}

/** Sorts by namespace, then name: NUL is before every character that either may have. */
function place(key: Key): string {
  return `${key.namespace}\0${key.name}`;
}

/** Rebuilds commits from what each overwrote: read backwards, a change's value is what the next one found, or the present object. */
function replay(from: Persisted, present: (key: Key) => Resource | null): Remembered[] {
  const later = new Map<string, Resource | null>();
  const commits: { revision: number; changes: StoredChange[]; bytes: number }[] = [];
  for (let revision = from.compacted + 1; revision <= from.revision; revision += 1) {
    commits.push({ revision, changes: [], bytes: 0 });
  }
  for (const row of from.history.toReversed()) {
    const commit = commits[row.revision - from.compacted - 1];
    if (commit === undefined) continue;
    const id = `${row.key.kind}/${place(row.key)}`;
    const value = later.has(id) ? (later.get(id) ?? null) : present(row.key);
    later.set(id, row.previous);
    commit.changes.unshift({ key: row.key, value, previous: row.previous });
    commit.bytes += value === null ? 64 : JSON.stringify(value).length;
  }
  return commits;
}
