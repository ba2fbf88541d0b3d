/**
 * A regular expression that matches whole byte ranges in time linear in their length, as RE2 does for Envoy: JavaScript's
 * own backtracks, so that one pattern and one crafted path could stop the proxy. Runs an automaton whose states are made
 * on first use and kept up to a bound; once warm it costs one table look-up a byte and allocates nothing.
 */
import { compileRegex, type Instruction } from './compile-regex.ts';
import { parseRegex } from './parse-regex.ts';

/** States kept; past it all are dropped and made again, which bounds memory and keeps time linear. */
const MAX_STATES = 512;
/** A longer input matches nothing: with MAX_INSTRUCTIONS the bound of what one crafted request can cost. */
export const MAX_REGEX_INPUT = 8192;

interface State {
  /** Instructions `set`, `end` and `match` that are active, sorted. */
  readonly active: readonly number[];
  readonly accepts: boolean;
  /** By byte class. */
  readonly next: (State | null)[];
}

export class Pattern {
  readonly source: string;
  readonly #program: readonly Instruction[];
  readonly #classes: Uint8Array;
  /** One byte of each class. */
  readonly #samples: readonly number[];
  /** Round of `#close` in which an instruction was last seen. */
  readonly #seen: Int32Array;
  #round = 0;
  #states = new Map<string, State>();
  #start: State;

  /** Throws WeftError `invalid`, `unsupported` or `limit-exceeded`. */
  constructor(source: string) {
    this.source = source;
    this.#program = compileRegex(parseRegex(source));
    const { classes, samples } = classify(this.#program);
    this.#classes = classes;
    this.#samples = samples;
    this.#seen = new Int32Array(this.#program.length);
    this.#start = this.#state(this.#close([0], true, false), true);
  }

  /** Whether the whole of bytes[start, end) matches. */
  test(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start > MAX_REGEX_INPUT) return false;
    const classes = this.#classes;
    let state = this.#start;
    for (let i = start; i < end; i++) {
      const klass = classes[bytes[i] as number] as number;
      state = state.next[klass] ?? this.#step(state, klass);
      if (state.active.length === 0) return false;
    }
    return state.accepts;
  }

  #step(from: State, klass: number): State {
    const byte = this.#samples[klass] as number;
    const targets: number[] = [];
    for (const at of from.active) {
      const instruction = this.#program[at] as Instruction;
      if (instruction.op === 'set' && instruction.set[byte] === 1) targets.push(instruction.next);
    }
    if (this.#states.size >= MAX_STATES) {
      this.#states = new Map();
      this.#start = this.#state(this.#close([0], true, false), true);
    }
    const state = this.#state(this.#close(targets, false, false), false);
    from.next[klass] = state;
    return state;
  }

  #state(active: readonly number[], atStart: boolean): State {
    const key = `${atStart ? '^' : ''}${active.join()}`;
    let state = this.#states.get(key);
    if (state === undefined) {
      const atEnd = this.#close(active, atStart, true);
      const accepts = atEnd.some((at) => this.#program[at]?.op === 'match');
      state = { active, accepts, next: new Array<State | null>(this.#samples.length).fill(null) };
      this.#states.set(key, state);
    }
    return state;
  }

  /** Everything reachable without a byte. */
  #close(from: readonly number[], atStart: boolean, atEnd: boolean): readonly number[] {
    const round = ++this.#round | 0;
    const seen = this.#seen;
    const stack = [...from];
    const active: number[] = [];
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      if (seen[at] === round) continue;
      seen[at] = round;
      const instruction = this.#program[at] as Instruction;
      if (instruction.op === 'split') stack.push(instruction.next, instruction.other);
      else if (instruction.op === 'start') {
        if (atStart) stack.push(instruction.next);
      } else {
        active.push(at);
        if (instruction.op === 'end' && atEnd) stack.push(instruction.next);
      }
    }
    return active.sort((a, b) => a - b);
  }
}

/** Bytes that no set of the program tells apart share a class. */
function classify(program: readonly Instruction[]): { classes: Uint8Array; samples: readonly number[] } {
  const sets = program.flatMap((instruction) => (instruction.op === 'set' ? [instruction.set] : []));
  const classes = new Uint8Array(256);
  const samples: number[] = [];
  const bySignature = new Map<string, number>();
  const distinct = [...new Map(sets.map((set) => [set.join(''), set])).values()];
  for (let byte = 0; byte < 256; byte++) {
    const signature = distinct.map((set) => set[byte]).join('');
    let klass = bySignature.get(signature);
    if (klass === undefined) {
      klass = samples.length;
      bySignature.set(signature, klass);
      samples.push(byte);
    }
    classes[byte] = klass;
  }
  return { classes, samples };
}
