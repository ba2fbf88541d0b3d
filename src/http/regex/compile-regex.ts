/** A regex tree as instructions of a non-deterministic automaton: the form that `pattern.ts` runs. */
import { WeftError } from '../../core/errors.ts';
import type { RegexNode } from './parse-regex.ts';

export type Instruction =
  | { readonly op: 'set'; readonly set: Uint8Array; next: number }
  | { readonly op: 'split'; next: number; other: number }
  | { readonly op: 'start'; next: number }
  | { readonly op: 'end'; next: number }
  /** Remembers the place in the input. */
  | { readonly op: 'save'; readonly slot: number; next: number }
  | { readonly op: 'match' };

type Split = Instruction & { readonly op: 'split' };

/** Bound of the work per input byte. */
const MAX_INSTRUCTIONS = 1000;

/**
 * Instruction 0 begins the program. Where a `split` has a choice, `next` is what the regex prefers. Groups up to `captured`
 * save their start in the slot of twice their number and their end in the next; 0: none does. Throws WeftError `limit-exceeded`.
 */
export function compileRegex(node: RegexNode, captured = 0): readonly Instruction[] {
  const program: Instruction[] = [];
  emit(program, node, captured);
  push(program, { op: 'match' });
  return program;
}

/** Appends code for `node` that falls through to the instruction after its last. */
function emit(program: Instruction[], node: RegexNode, captured: number): void {
  switch (node.kind) {
    case 'empty':
      return;
    case 'set':
      push(program, { op: 'set', set: node.set, next: program.length + 1 });
      return;
    case 'start':
    case 'end':
      push(program, { op: node.kind, next: program.length + 1 });
      return;
    case 'sequence':
      for (const item of node.items) emit(program, item, captured);
      return;
    case 'choice':
      emitChoice(program, node.items, captured);
      return;
    case 'repeat':
      emitRepeat(program, node, captured);
      return;
    case 'group':
      if (node.index > captured) return emit(program, node.item, captured);
      push(program, { op: 'save', slot: 2 * node.index, next: program.length + 1 });
      emit(program, node.item, captured);
      push(program, { op: 'save', slot: 2 * node.index + 1, next: program.length + 1 });
  }
}

function emitChoice(program: Instruction[], items: readonly RegexNode[], captured: number): void {
  const exits: { next: number }[] = [];
  items.forEach((item, i) => {
    if (i === items.length - 1) {
      emit(program, item, captured);
      return;
    }
    const fork = push(program, { op: 'split', next: program.length + 1, other: 0 });
    emit(program, item, captured);
    const exit = push(program, { op: 'split', next: 0, other: 0 });
    exits.push(exit);
    fork.other = program.length;
  });
  for (const exit of exits) patchJump(exit, program.length);
}

function emitRepeat(
  program: Instruction[],
  { item, min, max, lazy }: RegexNode & { readonly kind: 'repeat' },
  captured: number,
): void {
  for (let i = 0; i < min; i++) emit(program, item, captured);
  if (max === Number.POSITIVE_INFINITY) {
    const loop = program.length;
    const fork = push(program, { op: 'split', next: loop + 1, other: 0 });
    emit(program, item, captured);
    push(program, { op: 'split', next: loop, other: loop });
    leaveAt(fork, program.length, lazy);
    return;
  }
  const forks: Split[] = [];
  for (let i = min; i < max; i++) {
    forks.push(push(program, { op: 'split', next: program.length + 1, other: 0 }));
    emit(program, item, captured);
  }
  for (const fork of forks) leaveAt(fork, program.length, lazy);
}

/** `next` is one more time so far. */
function leaveAt(fork: Split, to: number, lazy: boolean): void {
  fork.other = lazy ? fork.next : to;
  if (lazy) fork.next = to;
}

function patchJump(jump: { next: number; other?: number }, to: number): void {
  jump.next = to;
  jump.other = to;
}

function push<I extends Instruction>(program: Instruction[], instruction: I): I {
  if (program.length >= MAX_INSTRUCTIONS) {
    throw new WeftError('limit-exceeded', {
      what: `the regex needs more than ${MAX_INSTRUCTIONS} steps`,
      hint: 'Use smaller repetition counts',
    });
  }
  program.push(instruction);
  return instruction;
}
