/** Which regular expressions a user may write: those that RE2 (Envoy, gRPC) and ECMAScript (Weft) read alike. */

/** Look-around and back-references: RE2 has neither, and they are what makes backtracking costly. */
const NOT_IN_RE2 = /\(\?(=|!|<=|<!)|\\[1-9]|\\k</;

/** null when the expression is usable, else a clause that reads after the field's path. */
export function regexProblem(text: string): string | null {
  if (NOT_IN_RE2.test(text.replaceAll('\\\\', '')))
    return 'must not use look-around or back-references (RE2 has neither)';
  try {
    new RegExp(text);
    return null;
  } catch (error) {
    const reason =
      error instanceof SyntaxError ? error.message.replace(/^Invalid regular expression: /, '') : String(error);
    return `must be a regular expression: ${reason}`;
  }
}
