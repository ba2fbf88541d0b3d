/**
 * Where in a text a regular expression matches first and what its groups hold, in RE2's order of preference (leftmost, then
 * what the expression says first). All ways to match go on side by side, so that time is linear in the text.
 */
import { compileRegex, type Instruction } from './compile-regex.ts';
import type { RegexNode } from './parse-regex.ts';

/** Ways to match that go on at one place, in the order of preference, each with its slots. */
class Threads {
  count = 0;
  readonly at: Int32Array;
  readonly slots: Int32Array;
  /** By instruction: the round in which it was reached. */
  readonly #reached: Int32Array;
  #round = 0;

  constructor(instructions: number, slots: number) {
    this.at = new Int32Array(instructions);
    this.slots = new Int32Array(instructions * slots);
    this.#reached = new Int32Array(instructions);
  }

  clear(): void {
    this.count = 0;
    this.#round = (this.#round + 1) | 0;
  }

  /** Whether it is the first to come there. */
  enter(instruction: number): boolean {
    if (this.#reached[instruction] === this.#round) return false;
    this.#reached[instruction] = this.#round;
    return true;
  }
}

export class Search {
  /** Start and end of the last match, then of each group; -1: it took no part. */
  readonly found: Int32Array;
  /** Steps that are left; a caller bounds by it what several searches of one text cost. */
  steps = 0;
  readonly #program: readonly Instruction[];
  readonly #width: number;
  readonly #scratch: Int32Array;
  #now: Threads;
  #then: Threads;
  #start = 0;
  #end = 0;

  /** `groups` are captured. Throws WeftError `limit-exceeded`. */
  constructor(node: RegexNode, groups: number) {
    this.#program = compileRegex(node, groups);
    this.#width = 2 * (groups + 1);
    this.found = new Int32Array(this.#width);
    this.#scratch = new Int32Array(this.#width);
    this.#now = new Threads(this.#program.length, this.#width);
    this.#then = new Threads(this.#program.length, this.#width);
  }

  /** In bytes[start, end), whose ends `^` and `$` mean, from `from` on. Without a match, or with no steps left, false. */
  find(bytes: Uint8Array, start: number, end: number, from: number): boolean {
    this.#start = start;
    this.#end = end;
    this.#now.clear();
    let matched = false;
    for (let at = from; this.steps > 0; at++) {
      if (!matched) {
        this.#scratch.fill(-1);
        this.#scratch[0] = at;
        this.#follow(this.#now, 0, at);
      }
      if (this.#now.count === 0 && matched) return true;
      if (this.#advance(at < end ? (bytes[at] as number) : -1, at)) matched = true;
      if (at >= end) return matched;
    }
    return false;
  }

  /** Over one byte; -1: there is none. Whether one of them matched here. */
  #advance(byte: number, at: number): boolean {
    const now = this.#now;
    const then = this.#then;
    const width = this.#width;
    then.clear();
    let matched = false;
    for (let i = 0; i < now.count; i++) {
      const instruction = this.#program[now.at[i] as number] as Instruction; // every thread stands at one
      const own = now.slots.subarray(i * width, (i + 1) * width);
      if (instruction.op === 'match') {
        this.found.set(own);
        this.found[1] = at;
        matched = true;
        // What comes after it is preferred less.
        break;
      }
      if (byte < 0 || instruction.op !== 'set' || instruction.set[byte] !== 1) continue;
      this.#scratch.set(own);
      this.#follow(then, instruction.next, at + 1);
    }
    this.#now = then;
    this.#then = now;
    return matched;
  }

  /** Everything that is reached without a byte, with the slots in `#scratch`. */
  #follow(threads: Threads, index: number, at: number): void {
    this.steps--;
    if (!threads.enter(index)) return;
    const instruction = this.#program[index] as Instruction; // the compiler's own numbers
    switch (instruction.op) {
      case 'split':
        this.#follow(threads, instruction.next, at);
        this.#follow(threads, instruction.other, at);
        return;
      case 'start':
        if (at === this.#start) this.#follow(threads, instruction.next, at);
        return;
      case 'end':
        if (at === this.#end) this.#follow(threads, instruction.next, at);
        return;
      case 'save': {
        const before = this.#scratch[instruction.slot] as number;
        this.#scratch[instruction.slot] = at;
        this.#follow(threads, instruction.next, at);
        this.#scratch[instruction.slot] = before;
        return;
      }
      default:
        threads.slots.set(this.#scratch, threads.count * this.#width);
        threads.at[threads.count++] = index;
    }
  }
}
