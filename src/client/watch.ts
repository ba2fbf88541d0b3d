/** Following a collection: one watch as the API has it, and on top of it one that survives restarts and compaction. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Resource } from '../api/resource.ts';
import { isWeftError } from '../core/errors.ts';
import { callLines } from './caller.ts';
import { collectionPath, type KindRef } from './kind-ref.ts';
import { ResourceClient } from './resources.ts';
import { statusError, type StatusBody } from './status-error.ts';
import type { HttpTransport } from './transport.ts';

export interface WatchEvent<R> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  /** Of a BOOKMARK only the resourceVersion means something. */
  readonly object: R;
}

export interface WatchOptions {
  /** null: all. */
  readonly namespace: string | null;
  readonly labelSelector?: string;
  readonly signal: AbortSignal;
}

/** Events after `resourceVersion`, until the server ends the stream. Throws `too-old` when that revision was compacted away. */
export async function* watch<R extends Resource>(
  transport: HttpTransport,
  ref: KindRef,
  resourceVersion: string,
  options: WatchOptions,
): AsyncGenerator<WatchEvent<R>> {
  const path = collectionPath(ref, options.namespace);
  const query = { watch: true, allowWatchBookmarks: true, resourceVersion, labelSelector: options.labelSelector };
  for await (const event of callLines<WatchEvent<R> | ErrorEvent>(transport, path, { query, signal: options.signal })) {
    // Kubernetes reports a compacted revision inside a stream that began with 200.
    if (event.type === 'ERROR')
      throw statusError(event.object.code ?? 500, JSON.stringify(event.object), `watch ${path}`);
    yield event;
  }
}

interface ErrorEvent {
  readonly type: 'ERROR';
  readonly object: StatusBody;
}

export type FollowEvent<R> =
  /** The whole state, at the beginning and whenever the thread was lost. */
  { readonly type: 'REPLACE'; readonly items: readonly R[] } | Exclude<WatchEvent<R>, { type: 'BOOKMARK' }>;

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;

/**
 * Lists, then watches, for as long as the signal allows: resumes where a stream ended, lists again after `too-old`, waits
 * while the control plane is away. Throws only what waiting does not heal, such as `forbidden`.
 */
export async function* follow<R extends Resource>(
  transport: HttpTransport,
  ref: KindRef,
  options: WatchOptions,
): AsyncGenerator<FollowEvent<R>> {
  const { namespace, labelSelector, signal } = options;
  const resources = new ResourceClient(transport);
  let version: string | null = null;
  let pauseMs = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    try {
      if (version === null) {
        const list = await resources.list<R>(ref, namespace, { labelSelector, signal });
        version = list.resourceVersion;
        yield { type: 'REPLACE', items: list.items };
      }
      for await (const event of watch<R>(transport, ref, version, options)) {
        version = event.object.metadata.resourceVersion ?? version;
        pauseMs = FIRST_PAUSE_MS;
        if (event.type !== 'BOOKMARK') yield event;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (isWeftError(error, 'too-old')) version = null;
      else if (!isWeftError(error, 'unavailable') && !isWeftError(error, 'timeout')) throw error;
    }
    // Also after a stream that ended in order: a server that ends each at once must not be called in a loop.
    await sleep(pauseMs, undefined, { signal }).catch(() => {});
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
}
