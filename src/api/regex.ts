/**
 * Which regular expressions a user may write: those that every data plane reads alike. RE2 (Envoy, gRPC) has no
 * look-around and no back-references; Weft's own matcher works on bytes and knows no Unicode classes.
 */

const REFUSED: readonly (readonly [RegExp, string])[] = [
  [/\(\?<?[=!]/, 'must not use look-around (RE2 has none)'],
  [/\\[1-9]|\\k/, 'must not use back-references (RE2 has none)'],
  [
    /\\[^\WdDwWsSxafnrtvAz_]/,
    'must not use escapes other than \\d \\w \\s \\x \\A \\z, their opposites and control characters',
  ],
  [/\(\?(?!:|P?<[A-Za-z_])/, 'must not use groups with flags; (?i) may stand at the beginning'],
];

/** RE2's own bound. */
const MAX_REPEAT = 1000;

/** null when the expression is usable, else a clause that reads after the field's path. */
export function regexProblem(text: string): string | null {
  const body = text.replace(/^\(\?i\)/, '');
  const withoutEscapedBackslashes = body.replaceAll('\\\\', '');
  if (repetitions(withoutEscapedBackslashes).some((count) => count > MAX_REPEAT))
    return `must not repeat more than ${MAX_REPEAT} times`;
  for (const [pattern, problem] of REFUSED) if (pattern.test(withoutEscapedBackslashes)) return problem;
  try {
    // Go's and RE2's spelling of a named group is older than ECMAScript's.
    void new RegExp(body.replaceAll('(?P<', '(?<'));
    return null;
  } catch (error) {
    const reason =
      error instanceof SyntaxError ? error.message.replace(/^Invalid regular expression: /, '') : String(error);
    return `must be a regular expression: ${reason}`;
  }
}

function repetitions(text: string): number[] {
  return [...text.matchAll(/\{(\d+)(?:,(\d*))?\}/g)].flatMap(([, min, max]) => [Number(min), Number(max ?? 0)]);
}
