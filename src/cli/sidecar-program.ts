/**
 * The program as a sidecar needs it: `weft run` alone. It is bundled into one file, because what stands beside every
 * workload has to start soon and hold little.
 */
import { RUN } from './commands/run-entry.ts';
import { runProgram } from './program.ts';

export function runSidecar(words: readonly string[], onServing: () => void): Promise<number> {
  return runProgram(words, [RUN], onServing);
}
