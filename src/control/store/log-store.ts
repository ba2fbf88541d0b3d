/**
 * A Store over a ledger in memory and a persistence below it. Commits that arrive in one turn of the event loop are
 * judged in order and written as one group, so that a burst of writers pays for one disk flush, not for one each.
 */
import { type Key, keyOf, keyText, type Resource } from '../../api/resource.ts';
import type { Change } from '../../api/source.ts';
import { WeftError } from '../../core/errors.ts';
import { deepFreeze } from './freeze.ts';
import { entryBytes, type HistoryBounds, Ledger } from './ledger.ts';
import type { Entry, Persistence } from './persistence.ts';
import { type Expectation, type Listing, MAX_OBJECT_BYTES, type Store, type StoreBatch } from './store.ts';

/** About an hour of lively change, and never more memory than a small proxy. */
const DEFAULT_BOUNDS: HistoryBounds = { maxCommits: 10_000, maxBytes: 64 * 1_048_576 };

/** Commits that a watcher takes from the history at once. */
const REPLAY_CHUNK = 256;

interface Waiting {
  readonly changes: readonly Change[];
  readonly expect: readonly Expectation[];
  readonly done: PromiseWithResolvers<string>;
}

/** Takes `persistence` over: `close` closes it. */
export function createLogStore(persistence: Persistence, bounds: HistoryBounds = DEFAULT_BOUNDS): Store {
  return new LogStore(persistence, bounds);
}

class LogStore implements Store {
  readonly #persistence: Persistence;
  readonly #ledger: Ledger;
  readonly #sleepers = new Set<() => void>();
  #waiting: Waiting[] = [];
  #closed = false;

  constructor(persistence: Persistence, bounds: HistoryBounds) {
    this.#persistence = persistence;
    this.#ledger = new Ledger(persistence.load(), bounds);
  }

  async get(key: Key): Promise<Resource | null> {
    return this.#ledger.get(key);
  }

  async list(kind: string, namespace?: string): Promise<Listing> {
    return { cursor: String(this.#ledger.revision), items: this.#ledger.list(kind, namespace) };
  }

  async commit(changes: readonly Change[], expect: readonly Expectation[]): Promise<string> {
    this.#assertOpen();
    const done = Promise.withResolvers<string>();
    this.#waiting.push({ changes, expect, done });
    if (this.#waiting.length === 1) setImmediate(() => this.#flush());
    return done.promise;
  }

  async compact(before: string): Promise<void> {
    this.#assertOpen();
    const to = Math.min(parseCursor(before), this.#ledger.revision);
    if (to <= this.#ledger.compacted) return;
    this.#persistence.append([], to);
    this.#ledger.install([], to);
  }

  async *watch(from: string | null, signal: AbortSignal): AsyncGenerator<StoreBatch> {
    let position = from === null ? this.#ledger.revision : parseCursor(from);
    if (from === null) {
      const changes = this.#ledger.everything().map((value) => ({ key: keyOf(value), value, previous: null }));
      yield { cursor: String(position), replace: true, changes };
    }
    while (!signal.aborted && !this.#closed) {
      const commits = this.#ledger.after(position, REPLAY_CHUNK);
      if (commits.length === 0) await this.#nextCommit(signal);
      for (const { revision, changes } of commits) {
        if (signal.aborted) return;
        yield { cursor: String(revision), replace: false, changes };
        position = revision;
      }
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#flush();
    this.#closed = true;
    this.#wakeAll();
    this.#persistence.close();
  }

  #flush(): void {
    const group = this.#waiting;
    this.#waiting = [];
    const overlay = new Map<string, Resource | null>();
    const present = (key: Key) => {
      const inGroup = overlay.get(keyText(key));
      return inGroup === undefined ? this.#ledger.get(key) : inGroup;
    };
    const entries: Entry[] = [];
    const accepted: { readonly done: PromiseWithResolvers<string>; readonly cursor: string }[] = [];
    for (const { changes, expect, done } of group) {
      try {
        const next = this.#ledger.revision + entries.length + 1;
        const entry = judge(changes, expect, next, present);
        if (entry !== null) entries.push(entry);
        for (const change of entry?.changes ?? []) overlay.set(keyText(change.key), change.value);
        accepted.push({ done, cursor: String(this.#ledger.revision + entries.length) });
      } catch (error) {
        done.reject(error);
      }
    }
    try {
      if (entries.length > 0) this.#write(entries);
    } catch (error) {
      for (const { done } of accepted) done.reject(error);
      return;
    }
    for (const { done, cursor } of accepted) done.resolve(cursor);
    if (entries.length > 0) this.#wakeAll();
  }

  #write(entries: readonly Entry[]): void {
    const bytes = entries.reduce((sum, entry) => sum + entryBytes(entry), 0);
    const compacted = this.#ledger.overflow(entries.length, bytes);
    this.#persistence.append(entries, compacted);
    this.#ledger.install(entries, compacted);
  }

  #nextCommit(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#sleepers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#sleepers.add(wake);
      signal.addEventListener('abort', wake);
    });
  }

  #wakeAll(): void {
    for (const wake of [...this.#sleepers]) wake();
  }

  #assertOpen(): void {
    if (this.#closed) throw new WeftError('unavailable', { what: 'the store is closed' });
  }
}

/** Checks one commit against the objects as `present` sees them. null: it changes nothing. */
function judge(
  changes: readonly Change[],
  expect: readonly Expectation[],
  revision: number,
  present: (key: Key) => Resource | null,
): Entry | null {
  for (const expectation of expect) assertExpected(expectation, present(expectation.key));
  const seen = new Set<string>();
  const kept: Entry['changes'][number][] = [];
  const texts: (string | null)[] = [];
  for (const { key, value } of changes) {
    const id = keyText(key);
    if (seen.has(id)) throw new WeftError('invalid', { what: 'one commit changes an object twice', where: id });
    seen.add(id);
    const previous = present(key);
    if (value === null && previous === null) continue;
    const text = value === null ? null : serialize(id, value, revision);
    texts.push(text);
    kept.push({ key, value: text === null ? null : deepFreeze(JSON.parse(text) as Resource), previous });
  }
  return kept.length === 0 ? null : { revision, changes: kept, texts };
}

function assertExpected({ key, resourceVersion }: Expectation, found: Resource | null): void {
  const where = keyText(key);
  if (found === null) {
    if (resourceVersion === '') return;
    throw new WeftError('not-found', { what: 'the object does not exist any more', where });
  }
  if (resourceVersion === '') throw new WeftError('already-exists', { what: 'an object of that name exists', where });
  if (found.metadata.resourceVersion === resourceVersion) return;
  throw new WeftError('conflict', {
    what: `the object changed since it was read: it is at revision ${found.metadata.resourceVersion}, not ${resourceVersion}`,
    where,
    hint: 'Read it again and repeat the change on the new version',
  });
}

function serialize(id: string, value: Resource, revision: number): string {
  const text = JSON.stringify({ ...value, metadata: { ...value.metadata, resourceVersion: String(revision) } });
  if (Buffer.byteLength(text) <= MAX_OBJECT_BYTES) return text;
  throw new WeftError('limit-exceeded', { what: `an object is larger than ${MAX_OBJECT_BYTES} bytes`, where: id });
}

function parseCursor(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new WeftError('invalid', { what: 'a revision is a decimal number', where: JSON.stringify(text.slice(0, 32)) });
}
