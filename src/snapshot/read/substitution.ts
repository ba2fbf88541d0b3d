/** Envoy's RegexMatchAndSubstitute → Substitution. */
import { Substitution } from '../../http/regex/substitution.ts';
import type { RegexMatchAndSubstitute } from '../../xds/tables/messages.gen.ts';
import { invalid, within } from './problem.ts';

export function readSubstitution(where: string, { pattern, substitution }: RegexMatchAndSubstitute): Substitution {
  const regex = pattern?.regex ?? '';
  if (regex === '') throw invalid(`${where}.pattern.regex`, 'required');
  if (!/^[\x20-\x7e]*$/.test(substitution)) {
    throw invalid(`${where}.substitution`, 'has characters that stand in no path, host or header of a route');
  }
  return within(where, () => new Substitution(regex, substitution));
}
