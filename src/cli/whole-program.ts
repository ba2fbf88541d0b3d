/** The program with all of its commands. */
import { COMMANDS } from './command-table.ts';
import { runProgram } from './program.ts';

export function runWeft(words: readonly string[], onServing: () => void): Promise<number> {
  return runProgram(words, COMMANDS, onServing);
}
