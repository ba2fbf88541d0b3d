/** Which resources of a response a NACK means. The protocol has one text for all of them, so names are looked for in it. */

/** Clients choose the text: looking for names in it must not cost more than reading it. */
const MAX_MESSAGE_CHARS = 1 << 20;
const MAX_PROSE_CHARS = 16 << 10;
const MAX_COLONS = 8;

/**
 * Reason by name. Weft's proxy writes one line a resource, `NAME: reason`; Envoy names them somewhere in its text. A text
 * that names nothing of the response blames all of it: nothing of it can be taken as applied.
 */
export function refusedBy(message: string, names: Iterable<string>): ReadonlyMap<string, string> {
  const all = new Set(names);
  const exact = byLine(all, message.slice(0, MAX_MESSAGE_CHARS));
  if (exact.size > 0) return exact;
  const prose = message.slice(0, MAX_PROSE_CHARS);
  const lines = prose.split('\n');
  const mentioned = new Map<string, string>();
  for (const name of all) {
    const line = prose.includes(name) ? lines.find((candidate) => mentions(candidate, name)) : undefined;
    if (line !== undefined) mentioned.set(name, line.trim());
  }
  if (mentioned.size === 0) return new Map([...all].map((name) => [name, message]));
  const [only] = mentioned.keys();
  // Envoy prints the whole resource, with its name, on lines of their own beside the one that says why.
  return mentioned.size === 1 && only !== undefined ? new Map([[only, message.trim()]]) : mentioned;
}

function byLine(names: ReadonlySet<string>, message: string): Map<string, string> {
  const reasons = new Map<string, string>();
  for (const line of message.split('\n')) {
    let at = line.indexOf(': ');
    for (let tries = 0; at !== -1 && tries < MAX_COLONS; tries++) {
      const name = line.slice(0, at);
      if (names.has(name) && !reasons.has(name)) reasons.set(name, line.slice(at + 2));
      at = line.indexOf(': ', at + 1);
    }
  }
  return reasons;
}

/** The name stands alone: `a` is not mentioned by `a|b`. No text mentions the empty name, which is found without end. */
function mentions(line: string, name: string): boolean {
  if (name === '') return false;
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
