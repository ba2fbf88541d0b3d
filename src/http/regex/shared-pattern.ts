/**
 * One automaton for each source, because generated routes repeat theirs: the retry condition on the method stands in
 * every one of hundreds, and each compilation would cost a millisecond and 40 KB.
 */
import { Pattern } from './pattern.ts';

const MAX_SHARED = 256;

/** In the order of their making. Held weakly: a source that no route has any more costs nothing. */
const shared = new Map<string, WeakRef<Pattern>>();

/** Throws what the constructor of Pattern throws. */
export function sharedPattern(source: string): Pattern {
  const known = shared.get(source)?.deref();
  if (known !== undefined) return known;
  const pattern = new Pattern(source);
  shared.delete(source);
  shared.set(source, new WeakRef(pattern));
  const oldest = shared.size > MAX_SHARED ? shared.keys().next().value : undefined;
  if (oldest !== undefined) shared.delete(oldest);
  return pattern;
}
