/** The argument that says which of a proxy's resources a command is about. */
import { UsageError } from '../exit-codes.ts';
import { SECTIONS, type Section } from './sections.ts';

export const SECTION_ARGUMENT = `${SECTIONS.join(', ')} or all`;

export function sectionsNamed(word: string): readonly Section[] {
  if (word === 'all') return SECTIONS;
  const found = SECTIONS.find((section) => section === word);
  if (found !== undefined) return [found];
  throw new UsageError(`there is no section "${word}"`, `One of: ${SECTIONS.join(', ')}, all`);
}
