/** Which resources of a response a NACK means. The protocol has one text for all of them, so names are looked for in it. */

/**
 * Reason by name. Weft's proxy writes one line a resource, `NAME: reason`; Envoy names them somewhere in its text. A text
 * that names nothing of the response blames all of it: nothing of it can be taken as applied.
 */
export function refusedBy(message: string, names: Iterable<string>): ReadonlyMap<string, string> {
  const all = [...names];
  const lines = message.split('\n');
  const exact = matching(all, lines, (line, name) => line.startsWith(`${name}: `));
  if (exact.size > 0) return exact;
  const mentioned = matching(all, lines, mentions);
  return mentioned.size > 0 ? mentioned : new Map(all.map((name) => [name, message]));
}

function matching(
  names: readonly string[],
  lines: readonly string[],
  matches: (line: string, name: string) => boolean,
): Map<string, string> {
  const reasons = new Map<string, string>();
  for (const name of names) {
    const line = lines.find((candidate) => matches(candidate, name));
    if (line !== undefined) reasons.set(name, line.startsWith(`${name}: `) ? line.slice(name.length + 2) : line.trim());
  }
  return reasons;
}

/** The name stands alone: `a` is not mentioned by `a|b`. */
function mentions(line: string, name: string): boolean {
  for (let at = line.indexOf(name); at !== -1; at = line.indexOf(name, at + 1)) {
    if (!isNamePart(line, at - 1, -1) && !isNamePart(line, at + name.length, 1)) return true;
  }
  return false;
}

/** A full stop or colon ends a name unless more of a name follows it. */
function isNamePart(line: string, at: number, step: 1 | -1): boolean {
  const character = line.charAt(at);
  if (/[\w|/*@-]/.test(character)) return true;
  return /[.:]/.test(character) && /[\w|/*@-]/.test(line.charAt(at + step));
}
