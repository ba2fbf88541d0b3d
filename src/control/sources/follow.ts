/** Feeds a Source into the index for as long as the control plane runs, and starts over where history was compacted. */
import { isWeftError, messageOf } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Batch, Source } from '../../api/source.ts';

/**
 * Resolves when `signal` aborts. A source that ends with `too-old` is read anew from the beginning; any other failure
 * rejects, because an index that silently stops following would serve stale configuration for ever.
 */
export async function follow(
  source: Source,
  apply: (batch: Batch) => void,
  signal: AbortSignal,
  log: Log,
): Promise<void> {
  let cursor: string | null = null;
  while (!signal.aborted) {
    try {
      for await (const batch of source.watch(cursor, signal)) {
        apply(batch);
        cursor = batch.cursor;
      }
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (!isWeftError(error, 'too-old')) throw error;
      log.warn('fell behind the history of the store; reading everything again', { reason: messageOf(error) });
      cursor = null;
    }
  }
}
