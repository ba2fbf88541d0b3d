/** Envoy's StringMatcher in the terms of a header match; a match that ignores case becomes a regex. */
import type { TextMatch } from '../../http/match/text.ts';
import { sharedPattern } from '../../http/regex/shared-pattern.ts';
import { invalid, within } from '../problem.ts';
import type { StringMatcher } from '../tables/messages.gen.ts';

export function readStringMatcher(where: string, matcher: StringMatcher | undefined): TextMatch {
  const pattern = matcher?.matchPattern;
  if (matcher === undefined || pattern?.case === undefined) throw invalid(where, 'no pattern is said');
  if (pattern.case === 'safeRegex') return regexMatch(`${where}.safe_regex.regex`, pattern.value.regex);
  return textMatch(where, pattern.case, pattern.value, matcher.ignoreCase);
}

export function regexMatch(where: string, source: string): TextMatch {
  return { kind: 'regex', value: source, regex: within(where, () => sharedPattern(source)) };
}

export function textMatch(
  where: string,
  kind: Exclude<TextMatch['kind'], 'regex'>,
  value: string,
  ignoreCase: boolean,
): TextMatch {
  if (kind !== 'exact' && value === '') throw invalid(where, `an empty ${kind} would match everything`);
  if (!ignoreCase) return { kind, value, regex: null };
  const text = quoted(value);
  const any = '(?:.|\\n)*';
  const source = { exact: text, prefix: `${text}${any}`, suffix: `${any}${text}`, contains: `${any}${text}${any}` }[
    kind
  ];
  return regexMatch(where, `(?i)${source}`);
}

/** A text as a regex that matches it alone. */
export function quoted(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
