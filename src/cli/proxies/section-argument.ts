/** The argument that says which of a proxy's resources a command is about. */
import { UsageError } from '../exit-codes.ts';
import { SECTIONS, type Section } from './sections.ts';

/** Virtual hosts that come one by one are routes to who looks. */
const WORDS: ReadonlyMap<string, readonly Section[]> = new Map<string, readonly Section[]>([
  ['listeners', ['listeners']],
  ['routes', ['routes', 'hosts']],
  ['clusters', ['clusters']],
  ['endpoints', ['endpoints']],
  ['secrets', ['secrets']],
  ['all', SECTIONS],
]);

export const SECTION_ARGUMENT = [...WORDS.keys()].join(', ').replace(', all', ' or all');

export function sectionsNamed(word: string): readonly Section[] {
  const found = WORDS.get(word);
  if (found !== undefined) return found;
  throw new UsageError(`there is no section "${word}"`, `One of: ${[...WORDS.keys()].join(', ')}`);
}
