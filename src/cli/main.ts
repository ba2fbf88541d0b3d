#!/usr/bin/env node
/** The entry of `weft`. It loads next to nothing itself: what a command needs comes with the command. */
import { traceFatalErrors } from '../runtime/node/stack-trace.ts';
import { commandNames } from './command-names.ts';
import { useCompileCache } from './compile-cache.ts';

traceFatalErrors();
useCompileCache(import.meta.dirname);
void main(process.argv.slice(2));

async function main(words: readonly string[]): Promise<void> {
  const run =
    commandNames(words)[0] === 'run'
      ? (await import('./sidecar-program.ts')).runSidecar
      : (await import('./whole-program.ts')).runWeft;
  const exitCode = await run(words);
  // Every command has closed what it opened; a connection that a peer is slow to close must not hold the shell up.
  process.exit(exitCode);
}
