#!/usr/bin/env node
/** The entry of `weft`. It loads next to nothing itself: what a command needs comes with the command. */
import { enableCompileCache } from 'node:module';

enableCompileCache();
const { runProgram } = await import('./program.ts');
process.exitCode = await runProgram(process.argv.slice(2));
