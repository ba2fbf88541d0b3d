/** Envoy's HeaderMatcher → HeaderMatch. */
import type { HeaderMatch } from '../../http/match/header.ts';
import type { TextMatch } from '../../http/match/text.ts';
import { isToken } from '../../http/token.ts';
import { invalid, unsupported } from '../problem.ts';
import type { HeaderMatcher } from '../tables/messages.gen.ts';
import { readStringMatcher, regexMatch, textMatch } from './string-matcher.ts';

const PSEUDO = new Set([':method', ':path', ':authority']);

export function readHeaderMatcher(where: string, matcher: HeaderMatcher): HeaderMatch {
  const name = matcher.name.toLowerCase();
  if (!isToken(name) && !PSEUDO.has(name))
    throw invalid(`${where}.name`, `${JSON.stringify(name)} is not a field name`);
  if (matcher.treatMissingHeaderAsEmpty) throw unsupported(`${where}.treat_missing_header_as_empty`);
  const specifier = matcher.headerMatchSpecifier;
  const invert = matcher.invertMatch;
  const match = (text: TextMatch): HeaderMatch => ({ name, invert, ...text });
  switch (specifier.case) {
    case undefined:
      return { name, kind: 'present', value: '', regex: null, invert };
    case 'presentMatch':
      return { name, kind: 'present', value: '', regex: null, invert: invert === specifier.value };
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
      throw unsupported(`${where}.range_match`);
  }
}
