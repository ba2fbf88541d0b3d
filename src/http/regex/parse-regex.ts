/**
 * Reads the RE2 syntax that xDS uses into a tree. Only what a regular language can express is accepted, so that matching
 * is linear in its input; everything else (back-references, look-arounds, …) is refused by name.
 */
import { WeftError } from '../../core/errors.ts';

export type RegexNode =
  | { readonly kind: 'empty' }
  /** One byte of a set; 256 entries of 0 or 1. */
  | { readonly kind: 'set'; readonly set: Uint8Array }
  | { readonly kind: 'start' }
  | { readonly kind: 'end' }
  | { readonly kind: 'sequence'; readonly items: readonly RegexNode[] }
  | { readonly kind: 'choice'; readonly items: readonly RegexNode[] }
  /** `max` Infinity: unbounded. `lazy`: as few as will do, which only what stands in its groups tells. */
  | {
      readonly kind: 'repeat';
      readonly item: RegexNode;
      readonly min: number;
      readonly max: number;
      readonly lazy: boolean;
    }
  /** Captures what `item` matches. Numbered from 1, by where they open. */
  | { readonly kind: 'group'; readonly item: RegexNode; readonly index: number };

const MAX_SOURCE = 4096;
/** RE2's own bound on a counted repetition. */
const MAX_REPEAT = 1000;
const MAX_DEPTH = 100;

const DIGIT = ranges('09');
const WORD = ranges('az', 'AZ', '09', '__');
const SPACE = ranges('\t\n', '\f\r', '  ');
const POSIX: Readonly<Record<string, Uint8Array>> = {
  alnum: ranges('az', 'AZ', '09'),
  alpha: ranges('az', 'AZ'),
  digit: DIGIT,
  lower: ranges('az'),
  upper: ranges('AZ'),
  space: ranges('\t\r', '  '),
  word: WORD,
  xdigit: ranges('09', 'af', 'AF'),
  punct: ranges('!/', ':@', '[`', '{~'),
};
const CONTROL: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };

/** Throws WeftError `unsupported` or `invalid` that names the construct and its offset. */
export function parseRegex(source: string): RegexNode {
  if (source.length > MAX_SOURCE) throw refuse('limit-exceeded', `a regex of more than ${MAX_SOURCE} characters`, 0);
  const parser = new Parser(source);
  return parser.whole();
}

class Parser {
  readonly #source: string;
  #at = 0;
  #depth = 0;
  #groups = 0;
  #ignoreCase = false;

  constructor(source: string) {
    this.#source = source;
  }

  whole(): RegexNode {
    if (this.#source.startsWith('(?i)')) {
      this.#ignoreCase = true;
      this.#at = 4;
    }
    const node = this.#choice();
    if (this.#at < this.#source.length) throw refuse('invalid', 'an unmatched )', this.#at);
    return node;
  }

  #choice(): RegexNode {
    if (++this.#depth > MAX_DEPTH) throw refuse('limit-exceeded', `groups nested deeper than ${MAX_DEPTH}`, this.#at);
    const items = [this.#sequence()];
    while (this.#take('|')) items.push(this.#sequence());
    this.#depth--;
    return items.length === 1 ? (items[0] as RegexNode) : { kind: 'choice', items };
  }

  #sequence(): RegexNode {
    const items: RegexNode[] = [];
    while (this.#at < this.#source.length && this.#peek() !== '|' && this.#peek() !== ')') items.push(this.#repeated());
    return items.length === 0 ? { kind: 'empty' } : { kind: 'sequence', items };
  }

  #repeated(): RegexNode {
    let item = this.#atom();
    for (let first = true; ; first = false) {
      const from = this.#at;
      const bounds = this.#quantifier();
      if (bounds === null) return item;
      if (!first) throw refuse('invalid', 'two quantifiers in a row', from);
      item = { kind: 'repeat', item, min: bounds.min, max: bounds.max, lazy: this.#take('?') };
    }
  }

  #quantifier(): { min: number; max: number } | null {
    if (this.#take('*')) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (this.#take('+')) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (this.#take('?')) return { min: 0, max: 1 };
    const counted = /^\{(\d{1,5})(?:(,)(\d{1,5})?)?\}/.exec(this.#source.slice(this.#at, this.#at + 16));
    if (counted === null) return null;
    const min = Number(counted[1]);
    const max =
      counted[2] === undefined ? min : counted[3] === undefined ? Number.POSITIVE_INFINITY : Number(counted[3]);
    if (min > MAX_REPEAT || (max !== Number.POSITIVE_INFINITY && max > MAX_REPEAT)) {
      throw refuse('limit-exceeded', `a repetition of more than ${MAX_REPEAT}`, this.#at);
    }
    if (max < min) throw refuse('invalid', 'a repetition whose bounds are reversed', this.#at);
    this.#at += counted[0].length;
    return { min, max };
  }

  #atom(): RegexNode {
    const from = this.#at;
    const char = this.#next();
    switch (char) {
      case '(':
        return this.#group(from);
      case '[':
        return { kind: 'set', set: this.#fold(this.#class(from)) };
      case '.':
        return { kind: 'set', set: complement(single(10)) };
      case '^':
        return { kind: 'start' };
      case '$':
        return { kind: 'end' };
      case '\\':
        return this.#escape(from);
      case '*':
      case '+':
      case '?':
        throw refuse('invalid', 'a quantifier with nothing before it', from);
      default:
        return this.#literal(char);
    }
  }

  #group(from: number): RegexNode {
    let index = 0;
    if (this.#peek() !== '?') index = ++this.#groups;
    else {
      this.#at++;
      const rest = this.#source.slice(this.#at);
      if (/^<?[=!]/.test(rest)) throw refuse('unsupported', 'a look-around', from);
      const name = /^(?:P?<[A-Za-z_][A-Za-z0-9_]*>|:)/.exec(rest);
      if (name === null) throw refuse('unsupported', 'a group with flags', from);
      this.#at += name[0].length;
      if (name[0] !== ':') index = ++this.#groups;
    }
    const item = this.#choice();
    if (!this.#take(')')) throw refuse('invalid', 'an unclosed group', from);
    return index === 0 ? item : { kind: 'group', item, index };
  }

  #escape(from: number): RegexNode {
    const char = this.#peek();
    if (char === 'A' || char === 'z') {
      this.#at++;
      return { kind: char === 'A' ? 'start' : 'end' };
    }
    const set = this.#escapedSet(from);
    return { kind: 'set', set: this.#fold(set) };
  }

  /** What stands after a backslash, inside and outside of a class. */
  #escapedSet(from: number): Uint8Array {
    const char = this.#next();
    switch (char) {
      case 'd':
        return DIGIT;
      case 'D':
        return complement(DIGIT);
      case 'w':
        return WORD;
      case 'W':
        return complement(WORD);
      case 's':
        return SPACE;
      case 'S':
        return complement(SPACE);
      case 'x': {
        const hex = /^(?:([0-9A-Fa-f]{2})|\{0*([0-9A-Fa-f]{1,2})\})/.exec(this.#source.slice(this.#at, this.#at + 12));
        if (hex === null) throw refuse('unsupported', 'a character beyond one byte', from);
        this.#at += hex[0].length;
        return single(Number.parseInt(hex[1] ?? hex[2] ?? '', 16));
      }
      default: {
        const control = CONTROL[char];
        if (control !== undefined) return single(control);
        if (/[1-9]/.test(char)) throw refuse('unsupported', 'a back-reference', from);
        if (/[A-Za-z0]/.test(char)) throw refuse('unsupported', `the escape \\${char}`, from);
        if (char.charCodeAt(0) > 127) throw refuse('unsupported', 'an escaped character beyond ASCII', from);
        return single(char.charCodeAt(0));
      }
    }
  }

  #class(from: number): Uint8Array {
    const negated = this.#take('^');
    const set = new Uint8Array(256);
    for (let first = true; first || this.#peek() !== ']'; first = false) {
      const posix = /^\[:(\^?)([a-z]+):\]/.exec(this.#source.slice(this.#at, this.#at + 16));
      const named = posix === null ? undefined : POSIX[posix[2] ?? ''];
      if (posix !== null && named !== undefined) {
        this.#at += posix[0].length;
        add(set, posix[1] === '^' ? complement(named) : named);
        continue;
      }
      const low = this.#classItem(from);
      if (this.#peek() === '-' && this.#source[this.#at + 1] !== ']' && this.#at + 1 < this.#source.length) {
        this.#at++;
        const high = this.#classItem(from);
        const [a, b] = [only(low), only(high)];
        if (a < 0 || b < a) throw refuse('invalid', 'a range that runs backwards', from);
        for (let byte = a; byte <= b; byte++) set[byte] = 1;
      } else {
        add(set, low);
      }
    }
    this.#at++;
    return negated ? complement(this.#fold(set)) : set;
  }

  #classItem(from: number): Uint8Array {
    const char = this.#next('an unclosed class');
    if (char === '\\') return this.#escapedSet(from);
    if (char.charCodeAt(0) > 127) throw refuse('unsupported', 'a class with a character beyond ASCII', from);
    return single(char.charCodeAt(0));
  }

  #literal(char: string): RegexNode {
    const bytes = new TextEncoder().encode(char);
    const items = Array.from(bytes, (byte): RegexNode => ({ kind: 'set', set: this.#fold(single(byte)) }));
    return items.length === 1 ? (items[0] as RegexNode) : { kind: 'sequence', items };
  }

  #fold(set: Uint8Array): Uint8Array {
    if (!this.#ignoreCase) return set;
    const folded = Uint8Array.from(set);
    for (let upper = 65; upper <= 90; upper++) {
      const either = (set[upper] ?? 0) | (set[upper + 32] ?? 0);
      folded[upper] = either;
      folded[upper + 32] = either;
    }
    return folded;
  }

  #peek(): string {
    return this.#source[this.#at] ?? '';
  }

  #next(missing = 'an unfinished escape'): string {
    const point = this.#source.codePointAt(this.#at);
    if (point === undefined) throw refuse('invalid', missing, this.#at);
    const char = String.fromCodePoint(point);
    this.#at += char.length;
    return char;
  }

  #take(char: string): boolean {
    if (this.#peek() !== char) return false;
    this.#at++;
    return true;
  }
}

function refuse(code: 'invalid' | 'unsupported' | 'limit-exceeded', what: string, at: number): WeftError {
  const verb = code === 'unsupported' ? 'the regex uses' : 'the regex has';
  return new WeftError(code, { what: `${verb} ${what} at offset ${at}`, hint: 'The syntax is that of RE2' });
}

function single(byte: number): Uint8Array {
  const set = new Uint8Array(256);
  set[byte] = 1;
  return set;
}

/** Each of two characters, first and last. Filled, not merged: these sets are made at every start. */
function ranges(...ends: readonly string[]): Uint8Array {
  const set = new Uint8Array(256);
  for (const pair of ends) set.fill(1, pair.charCodeAt(0), pair.charCodeAt(1) + 1);
  return set;
}

function add(to: Uint8Array, set: Uint8Array): void {
  for (let byte = 0; byte < 256; byte++) if (set[byte] === 1) to[byte] = 1;
}

function complement(set: Uint8Array): Uint8Array {
  return set.map((bit) => 1 - bit);
}

/** The byte of a set of one, or -1. */
function only(set: Uint8Array): number {
  const first = set.indexOf(1);
  return first === set.lastIndexOf(1) ? first : -1;
}
