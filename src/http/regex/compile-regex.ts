/** A regex tree as instructions of a non-deterministic automaton: the form that `pattern.ts` runs. */
import { WeftError } from '../../core/errors.ts';
import type { RegexNode } from './parse-regex.ts';

export type Instruction =
  | { readonly op: 'set'; readonly set: Uint8Array; next: number }
  | { readonly op: 'split'; next: number; other: number }
  | { readonly op: 'start'; next: number }
  | { readonly op: 'end'; next: number }
  | { readonly op: 'match' };

/** Bound of the work per input byte. */
const MAX_INSTRUCTIONS = 1000;

/** Instruction 0 begins the program. Throws WeftError `limit-exceeded`. */
export function compileRegex(node: RegexNode): readonly Instruction[] {
  const program: Instruction[] = [];
  emit(program, node);
  push(program, { op: 'match' });
  return program;
}

/** Appends code for `node` that falls through to the instruction after its last. */
function emit(program: Instruction[], node: RegexNode): void {
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
      for (const item of node.items) emit(program, item);
      return;
    case 'choice':
      emitChoice(program, node.items);
      return;
    case 'repeat':
      emitRepeat(program, node.item, node.min, node.max);
  }
}

function emitChoice(program: Instruction[], items: readonly RegexNode[]): void {
  const exits: { next: number }[] = [];
  items.forEach((item, i) => {
    if (i === items.length - 1) {
      emit(program, item);
      return;
    }
    const fork = push(program, { op: 'split', next: program.length + 1, other: 0 });
    emit(program, item);
    const exit = push(program, { op: 'split', next: 0, other: 0 });
    exits.push(exit);
    fork.other = program.length;
  });
  for (const exit of exits) patchJump(exit, program.length);
}

function emitRepeat(program: Instruction[], item: RegexNode, min: number, max: number): void {
  for (let i = 0; i < min; i++) emit(program, item);
  if (max === Number.POSITIVE_INFINITY) {
    const loop = program.length;
    const fork = push(program, { op: 'split', next: loop + 1, other: 0 });
    emit(program, item);
    push(program, { op: 'split', next: loop, other: loop });
    fork.other = program.length;
    return;
  }
  const exits: { other: number }[] = [];
  for (let i = min; i < max; i++) {
    exits.push(push(program, { op: 'split', next: program.length + 1, other: 0 }));
    emit(program, item);
  }
  for (const exit of exits) exit.other = program.length;
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
