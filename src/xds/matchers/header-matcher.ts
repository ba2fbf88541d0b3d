/** Envoy's HeaderMatcher → HeaderMatch. */
import type { HeaderMatch } from '../../http/match/header.ts';
import type { TextMatch } from '../../http/match/text.ts';
import { isToken } from '../../http/token.ts';
import { invalid } from '../problem.ts';
import type { HeaderMatcher, Int64Range } from '../tables/messages.gen.ts';
import { readStringMatcher, regexMatch, textMatch } from './string-matcher.ts';

const PSEUDO = new Set([':method', ':path', ':authority']);

export function readHeaderMatcher(where: string, matcher: HeaderMatcher): HeaderMatch {
  const name = matcher.name.toLowerCase();
  if (!isToken(name) && !PSEUDO.has(name))
    throw invalid(`${where}.name`, `${JSON.stringify(name)} is not a field name`);
  const specifier = matcher.headerMatchSpecifier;
  const invert = matcher.invertMatch;
  const missingIsEmpty = matcher.treatMissingHeaderAsEmpty;
  const plain = { name, invert, missingIsEmpty, range: null };
  const match = (text: TextMatch): HeaderMatch => ({ ...plain, ...text });
  switch (specifier.case) {
    case undefined:
      return { ...plain, kind: 'present', value: '', regex: null };
    case 'presentMatch':
      return { ...plain, kind: 'present', value: '', regex: null, invert: invert === specifier.value };
    case 'stringMatch':
      return match(readStringMatcher(`${where}.string_match`, specifier.value));
    case 'exactMatch':
      return match(textMatch(`${where}.exact_match`, 'exact', specifier.value, false));
    case 'prefixMatch':
      return match(textMatch(`${where}.prefix_match`, 'prefix', specifier.value, false));
    case 'suffixMatch':
      return match(textMatch(`${where}.suffix_match`, 'suffix', specifier.value, false));
    case 'containsMatch':
      return match(textMatch(`${where}.contains_match`, 'contains', specifier.value, false));
    case 'safeRegexMatch':
      return match(regexMatch(`${where}.safe_regex_match.regex`, specifier.value.regex));
    case 'rangeMatch':
      return { ...plain, kind: 'range', ...readRange(`${where}.range_match`, specifier.value) };
  }
}

/** Envoy takes one that holds nothing, and so do we: it never matches. */
function readRange(where: string, { start, end }: Int64Range): Pick<HeaderMatch, 'range' | 'regex' | 'value'> {
  if (end < start) throw invalid(where, `ends at ${end}, before its start ${start}`);
  return { range: [start, end], regex: null, value: `${start} to ${end}` };
}
