#!/usr/bin/env node
/** The entry of `weft`. It loads next to nothing itself: what a command needs comes with the command. */
import { existsSync } from 'node:fs';
import { enableCompileCache, flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { traceFatalErrors } from '../runtime/node/stack-trace.ts';
import { compileSooner } from '../runtime/node/tier-up.ts';
import { commandNames } from './command-names.ts';
import { KEEP_AFTER_MS, loadBundle } from './compiled/bundle.ts';
import { privateCache } from './compiled/private-cache.ts';
import type { runSidecar as RunSidecar } from './sidecar-program.ts';

const SIDECAR = join(import.meta.dirname, 'sidecar.js');

traceFatalErrors();
void main(process.argv.slice(2));

async function main(words: readonly string[]): Promise<void> {
  const exitCode = await (commandNames(words)[0] === 'run' ? runSidecar(words) : runAny(words));
  // Every command has closed what it opened; a connection that a peer is slow to close must not hold the shell up.
  process.exit(exitCode);
}

async function runSidecar(words: readonly string[]): Promise<number> {
  if (!existsSync(SIDECAR)) return (await import('./sidecar-program.ts')).runSidecar(words, compileSoonerFromNow);
  const bundle = loadBundle(SIDECAR, privateCache(import.meta.dirname));
  return (bundle.exports['runSidecar'] as typeof RunSidecar)(words, () => {
    bundle.keep();
    compileSoonerFromNow();
  });
}

/**
 * Not while it starts: compiling would take the CPU from that. And not before compiled code was kept (`bundle.keep`): V8
 * takes it again only under the flags of that time.
 */
function compileSoonerFromNow(): void {
  setTimeout(compileSooner, KEEP_AFTER_MS + 500).unref();
}

async function runAny(words: readonly string[]): Promise<number> {
  const cache = privateCache(import.meta.dirname);
  if (cache !== null) enableCompileCache(cache);
  return (await import('./whole-program.ts')).runWeft(words, flushCompileCache);
}
