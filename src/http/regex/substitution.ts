/**
 * Replaces what a regular expression matches, as RE2's GlobalReplace does for Envoy's RegexMatchAndSubstitute: every match,
 * from left to right, by a text in which `\1` to `\9` stand for groups, `\0` for the whole match and `\\` for a backslash.
 */
import { WeftError } from '../../core/errors.ts';
import { parseRegex } from './parse-regex.ts';
import { Search } from './search.ts';

/** Of one text; past it nothing is replaced, for what that costs grows with the square of the text in the worst case. */
const MAX_STEPS = 500_000;

/** A text as it is, or the number of a group. */
type Part = string | number;

export class Substitution {
  readonly #parts: readonly Part[];
  readonly #search: Search;

  /** Throws WeftError `invalid`, `unsupported` or `limit-exceeded`. */
  constructor(regex: string, substitution: string) {
    const node = parseRegex(regex);
    this.#parts = readParts(substitution);
    const used = this.#parts.reduce<number>(
      (most, part) => (typeof part === 'number' ? Math.max(most, part) : most),
      0,
    );
    const groups = groupsIn(node);
    if (used > groups) {
      throw new WeftError('invalid', { what: `the substitution uses group ${used}, the regex has ${groups}` });
    }
    this.#search = new Search(node, used);
  }

  /** Each character is one byte. Throws WeftError `limit-exceeded`. */
  replaceAll(text: string): string {
    const bytes = Buffer.from(text, 'latin1');
    const search = this.#search;
    search.steps = MAX_STEPS;
    const { found } = search;
    const end = bytes.length;
    let out = '';
    let at = 0;
    for (let lastEnd = -1; at <= end && search.find(bytes, 0, end, at); ) {
      const matchStart = found[0] as number;
      const matchEnd = found[1] as number;
      out += text.slice(at, matchStart);
      if (matchStart === matchEnd && matchStart === lastEnd) {
        // No empty match right behind another.
        out += text.slice(matchStart, matchStart + 1);
        at = matchStart + 1;
        continue;
      }
      for (const part of this.#parts) out += typeof part === 'string' ? part : groupText(text, found, part);
      at = lastEnd = matchEnd;
    }
    if (search.steps <= 0) {
      throw new WeftError('limit-exceeded', { what: `a substitution takes more than ${MAX_STEPS} steps` });
    }
    return out + text.slice(at);
  }
}

function groupText(text: string, found: Int32Array, group: number): string {
  const start = found[2 * group] as number;
  const end = found[2 * group + 1] as number;
  return start < 0 || end < 0 ? '' : text.slice(start, end);
}

function readParts(substitution: string): readonly Part[] {
  const parts: Part[] = [];
  for (const [whole, escaped] of substitution.matchAll(/\\([\s\S]?)|[^\\]+/g)) {
    if (escaped === undefined) parts.push(whole);
    else if (escaped === '\\') parts.push('\\');
    else if (/^[0-9]$/.test(escaped)) parts.push(Number(escaped));
    else throw new WeftError('invalid', { what: `the substitution has a backslash before ${JSON.stringify(escaped)}` });
  }
  return parts;
}

function groupsIn(node: ReturnType<typeof parseRegex>): number {
  switch (node.kind) {
    case 'group':
      return Math.max(node.index, groupsIn(node.item));
    case 'repeat':
      return groupsIn(node.item);
    case 'sequence':
    case 'choice':
      return Math.max(0, ...node.items.map(groupsIn));
    default:
      return 0;
  }
}
