/** Load generators in C, compiled when first asked for: what measures must cost the load core less than what answers. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { start } from '../children.ts';
import { LOAD_CORE } from '../cores.ts';

export interface NativeResult {
  /** Empty, or why there are no values. */
  readonly failure: string;
  /** NaN when it was not told. */
  value(name: string): number;
}

const built = new Map<string, string>();

/** The program of `load/NAME.c`. Throws when it does not compile. */
function compiled(name: string): string {
  const known = built.get(name);
  if (known !== undefined) return known;
  const folder = mkdtempSync(join(tmpdir(), 'weft-bench-load-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const program = join(folder, name);
  const source = join(import.meta.dirname, `${name}.c`);
  execFileSync('cc', ['-O2', '-Wall', '-o', program, source], { stdio: ['ignore', 'ignore', 'inherit'] });
  built.set(name, program);
  return program;
}

/** What it prints is one JSON object of numbers. */
export async function runNative(name: string, args: readonly (string | number)[]): Promise<NativeResult> {
  const running = start(LOAD_CORE, compiled(name), args.map(String));
  const code = await new Promise<number | null>((done) => running.child.once('close', done));
  if (code !== 0) return { failure: running.output().trim() || `${name} ended with ${code}`, value: () => Number.NaN };
  const values = JSON.parse(running.output()) as Readonly<Record<string, number>>;
  return { failure: '', value: (key) => values[key] ?? Number.NaN };
}
