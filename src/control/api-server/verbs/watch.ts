/**
 * `?watch=1`: a line of JSON for each change, from a revision on. A watcher has no queue of its own: it reads the store's
 * history at its pace, and one that is too slow is told so (410) or, when it takes nothing at all, cut.
 */
import type { Kind } from '../../../api/kind.ts';
import type { Resource } from '../../../api/resource.ts';
import { isWeftError, WeftError } from '../../../core/errors.ts';
import type { StoreBatch, StoredChange } from '../../store/store.ts';
import type { LineWriter } from '../http/respond.ts';
import { type Matches, readSelectors } from '../selector.ts';
import { statusOf } from '../status.ts';
import { readRowObject, tableOf, wantsTable } from '../table.ts';
import type { ResourceCall, VerbContext } from './resource-call.ts';

const BOOKMARK_EVERY_MS = 60_000;
const MAX_SECONDS = 3600;

type EventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

/** `open` is called once the watch can begin: until then failures are ordinary answers (410 for a revision that is too old). */
export async function watchObjects(
  context: VerbContext,
  call: ResourceCall,
  signal: AbortSignal,
  open: () => LineWriter,
): Promise<void> {
  const matches = inScope(call, readSelectors(call.query));
  const stop = new AbortController();
  const stopNow = () => stop.abort();
  const timer = setTimeout(stopNow, timeoutMs(call.query));
  signal.addEventListener('abort', stopNow);
  try {
    await follow(context, call, matches, stop.signal, open);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stopNow);
  }
}

async function follow(
  context: VerbContext,
  call: ResourceCall,
  matches: Matches,
  signal: AbortSignal,
  open: () => LineWriter,
): Promise<void> {
  const batches = context.store.watch(startOf(call.query), signal)[Symbol.asyncIterator]();
  const first = batches.next();
  await refusedAtOnce(first);
  const events = new EventWriter(context, call, open());
  const bookmarks = setInterval(() => void events.bookmark(false), BOOKMARK_EVERY_MS);
  try {
    for (let next = await first; !next.done; next = await batches.next()) await events.send(next.value, matches);
    await events.bookmark(false);
  } catch (error) {
    await events.error(error);
  } finally {
    clearInterval(bookmarks);
    events.end();
  }
}

/** The store answers from memory: a cursor that it refuses, it refuses before the turn is over. */
async function refusedAtOnce(first: Promise<unknown>): Promise<void> {
  first.catch(() => {});
  await Promise.race([first, new Promise((resolve) => setImmediate(resolve))]);
}

/** Unset and 0: the present state as ADDED, then changes (API conventions, "The resourceVersion parameter"). */
function startOf(query: URLSearchParams): string | null {
  const version = query.get('resourceVersion') ?? '';
  return version === '' || version === '0' || query.get('sendInitialEvents') === 'true' ? null : version;
}

function timeoutMs(query: URLSearchParams): number {
  const text = query.get('timeoutSeconds') ?? '';
  if (text !== '' && !/^\d{1,9}$/.test(text)) {
    throw new WeftError('invalid', { what: 'timeoutSeconds must be a whole number of seconds' });
  }
  const seconds = Number(text);
  return (seconds === 0 ? MAX_SECONDS : Math.min(seconds, MAX_SECONDS)) * 1000;
}

function inScope({ target }: ResourceCall, selected: Matches): Matches {
  const { kind, namespace, name } = target;
  return (resource) =>
    resource.kind === kind.kind &&
    (namespace === null || resource.metadata.namespace === namespace) &&
    (name === null || resource.metadata.name === name) &&
    selected(resource);
}

class EventWriter {
  readonly #context: VerbContext;
  readonly #call: ResourceCall;
  readonly #lines: LineWriter;
  #revision = '';

  constructor(context: VerbContext, call: ResourceCall, lines: LineWriter) {
    this.#context = context;
    this.#call = call;
    this.#lines = lines;
    const { query } = call;
    if (query.get('sendInitialEvents') !== 'true') this.#revision = query.get('resourceVersion') ?? '';
  }

  async send(batch: StoreBatch, matches: Matches): Promise<void> {
    for (const change of batch.changes) {
      const event = eventOf(change, matches, batch.cursor);
      if (event !== null) await this.#write(event.type, this.#shown(event.object));
    }
    this.#revision = batch.cursor;
    // KEP-3157: the end of the present state is marked, so that an informer needs no list before.
    if (batch.replace && this.#call.query.get('sendInitialEvents') === 'true') await this.bookmark(true);
  }

  async bookmark(initialEnd: boolean): Promise<void> {
    if (this.#call.query.get('allowWatchBookmarks') !== 'true' && this.#call.query.get('allowWatchBookmarks') !== '1')
      return;
    if (this.#revision === '' || this.#revision === '0') return;
    const { kind } = this.#call.target;
    const annotations = initialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {};
    const metadata = { resourceVersion: this.#revision, ...annotations };
    await this.#write('BOOKMARK', { kind: kind.kind, apiVersion: versionOf(kind), metadata });
  }

  async error(error: unknown): Promise<void> {
    const slow = isWeftError(error, 'too-old')
      ? new WeftError('too-old', {
          what: `the watcher was too slow: ${error.what}`,
          where: error.where,
          hint: error.hint,
        })
      : error;
    await this.#write('ERROR', statusOf(slow));
  }

  end(): void {
    this.#lines.end();
  }

  #shown(object: Resource): unknown {
    if (!wantsTable(this.#call.accept)) return object;
    const resourceVersion = object.metadata.resourceVersion ?? '';
    const nowMs = this.#context.clock.wall();
    const rowObject = readRowObject(this.#call.query);
    return tableOf(this.#call.target.kind, [object], { rowObject, nowMs, resourceVersion });
  }

  #write(type: EventType, object: unknown): Promise<void> {
    return this.#lines.write(`${JSON.stringify({ type, object })}\n`);
  }
}

/** What a change is to a watcher that sees only what matches; null: nothing. */
function eventOf(
  { value, previous }: StoredChange,
  matches: Matches,
  cursor: string,
): { readonly type: EventType; readonly object: Resource } | null {
  const was = previous !== null && matches(previous);
  const is = value !== null && matches(value);
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', object: value };
  // The object as the watcher knew it, at the revision at which it left.
  return was
    ? { type: 'DELETED', object: { ...previous, metadata: { ...previous.metadata, resourceVersion: cursor } } }
    : null;
}

function versionOf(kind: Kind): string {
  return kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
}
