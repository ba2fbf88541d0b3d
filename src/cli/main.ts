#!/usr/bin/env node
/** The entry of `weft`. It loads next to nothing itself: what a command needs comes with the command. */
import { useCompileCache } from './compile-cache.ts';
import { traceFatalErrors } from '../runtime/node/stack-trace.ts';

traceFatalErrors();
useCompileCache(import.meta.dirname);
const { runProgram } = await import('./program.ts');
const exitCode = await runProgram(process.argv.slice(2));
// Every command has closed what it opened; a connection that a peer is slow to close must not hold the shell up.
process.exit(exitCode);
