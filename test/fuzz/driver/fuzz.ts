/**
 * The loop: takes an input that reached something, damages it, and keeps the result when it reaches something new. Bound
 * by time; the same seed goes the same way as long as the code under test is the same.
 */
import { Coverage, type FreshBlock } from './coverage.ts';
import { lineOf } from './corpus.ts';
import { mutate } from './mutate.ts';
import { Rng } from './rng.ts';
import type { FuzzTarget } from './target.ts';

export interface FuzzOptions {
  readonly seeds: readonly Buffer[];
  readonly forMs: number;
  readonly seed: number;
}

export interface FuzzReport {
  readonly runs: number;
  readonly blocks: number;
  /** Inputs that reached something new, in this order; enough to reach all of it again. */
  readonly kept: readonly Buffer[];
  /** The input that broke a promise, as small as it got, and how. */
  readonly finding: { readonly input: Buffer; readonly error: unknown } | null;
}

/** Inputs between two looks at the coverage. */
const BATCH = 32;
const MAX_INPUT_BYTES = 2_048;
/** Of this thread's own time, for one input: a machine that is busy with something else does not count. */
const MAX_RUN_MS = 3_000;

export function fuzz(target: FuzzTarget, { seeds, forMs, seed }: FuzzOptions): FuzzReport {
  const random = new Rng(seed);
  const coverage = new Coverage(target.covers);
  const answers = new Set<string>();
  const kept: Buffer[] = [];
  const endsAt = performance.now() + forMs;
  let runs = 0;
  let finding: FuzzReport['finding'] = null;
  /** Tried since the coverage was last looked at, and not kept for a new answer. */
  let batch: Buffer[] = [];
  const look = (): void => {
    const fresh = coverage.take();
    if (fresh.length > 0) keepThoseThatReach(fresh, batch);
    batch = [];
  };
  const keepThoseThatReach = (fresh: readonly FreshBlock[], inputs: readonly Buffer[]): void => {
    for (const input of inputs) target.run(input, new Rng(seed));
    if (!coverage.ranAnyOf(fresh)) return;
    if (inputs.length <= 1) return void kept.push(...inputs);
    keepThoseThatReach(fresh, inputs.slice(0, inputs.length >> 1));
    keepThoseThatReach(fresh, inputs.slice(inputs.length >> 1));
  };
  const attempt = (input: Buffer): void => {
    runs++;
    try {
      const answer = runTimed(target, input, seed + runs);
      if (answers.has(answer)) batch.push(input);
      else kept.push(input);
      answers.add(answer);
      if (batch.length === BATCH) look();
    } catch (error) {
      finding = { input: shrink(target, input, seed + runs), error };
    }
  };
  for (const input of seeds) if (finding === null) attempt(input);
  while (finding === null && performance.now() < endsAt) {
    const isFresh = kept.length === 0 || random.oneIn(4);
    const base = isFresh ? Buffer.from(target.generate(random), 'latin1') : random.pick(kept);
    const other = kept.length === 0 ? base : random.pick(kept);
    attempt(isFresh && random.oneIn(8) ? base : mutate(base, random, other, target.dictionary, MAX_INPUT_BYTES));
  }
  look();
  coverage.close();
  return { runs, blocks: coverage.blocks, kept, finding };
}

/** One run whose own randomness depends on `seed` alone, so that a saved input fails again. */
function runTimed(target: FuzzTarget, input: Buffer, seed: number): string {
  const before = process.threadCpuUsage();
  const answer = target.run(input, new Rng(seed));
  const { user, system } = process.threadCpuUsage(before);
  const tookMs = (user + system) / 1_000;
  if (tookMs > MAX_RUN_MS) throw new Error(`${input.length} bytes took ${Math.round(tookMs)} ms`);
  return answer;
}

/** Leaves out what the failure does not need. */
function shrink(target: FuzzTarget, input: Buffer, seed: number): Buffer {
  let smallest = input;
  let triesLeft = 400;
  for (let size = Math.ceil(input.length / 2); size >= 1 && triesLeft > 0; size = Math.floor(size / 2)) {
    for (let at = 0; at < smallest.length && triesLeft > 0; triesLeft--) {
      const without = Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + size)]);
      if (fails(target, without, seed)) smallest = without;
      else at += size;
    }
  }
  return smallest;
}

function fails(target: FuzzTarget, input: Buffer, seed: number): boolean {
  // The seed decides how the input is cut into reads: a shorter one may need other cuts to fail.
  for (let n = 0; n < 4; n++) {
    try {
      target.run(input, new Rng(seed + n));
    } catch {
      return true;
    }
  }
  return false;
}

/** The few of these inputs, the shortest first, that reach every block that all of them reach. */
export function distil(target: FuzzTarget, inputs: readonly Buffer[]): Buffer[] {
  const coverage = new Coverage(target.covers);
  const few = inputs
    .toSorted((a, b) => a.length - b.length)
    .filter((input) => {
      target.run(input, new Rng(1));
      return coverage.take().length > 0;
    });
  coverage.close();
  return few;
}

/** With a command that a shell takes as it is. */
export function describeFinding(name: string, seed: number, input: Buffer): string {
  const quoted = `'${lineOf(input).replaceAll("'", '\\u0027')}'`;
  return `seed ${seed}; to see it again: node test/fuzz/run.ts ${name} --input ${quoted}`;
}
