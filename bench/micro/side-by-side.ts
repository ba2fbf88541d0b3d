/**
 * Cases of this tree beside the same of another one (`--against FOLDER`), in turns, so that a busy machine does the same to
 * both: the least and the median time of one operation, and what it allocates.
 */
import { parseArgs } from 'node:util';

export interface Case {
  readonly name: string;
  readonly run: () => void;
  readonly times: number[];
  readonly bytes: number[];
}

export interface Rounds {
  readonly warmUp: number;
  readonly measured: number;
  /** In one `run`. */
  readonly operations: number;
}

/** `casesOf`: of the tree at this URL, the same in the same order for each. */
export async function compare(casesOf: (root: URL) => Promise<readonly Case[]>, rounds: Rounds): Promise<void> {
  const { values } = parseArgs({ options: { against: { type: 'string' } } });
  const sides = [new URL('../../', import.meta.url)];
  if (values.against !== undefined) sides.push(new URL(`file://${values.against}/`));
  const cases = await Promise.all(sides.map((root) => casesOf(root)));
  for (let round = -rounds.warmUp; round < rounds.measured; round++) {
    for (const [i, one] of (cases[0] ?? []).entries()) {
      for (const side of cases) measure(side[i] ?? one, rounds.operations, round >= 0);
    }
  }
  for (const [i, one] of (cases[0] ?? []).entries()) {
    console.log(`${one.name.padEnd(24)} ${cases.map((side) => columnOf(side[i] ?? one)).join('   against ')}`);
  }
}

function measure({ run, times, bytes }: Case, operations: number, counts: boolean): void {
  const heap = process.memoryUsage().heapUsed;
  const start = performance.now();
  run();
  const took = performance.now() - start;
  const grown = process.memoryUsage().heapUsed - heap;
  if (!counts) return;
  times.push((took * 1e6) / operations);
  if (grown >= 0) bytes.push(grown / operations);
}

function columnOf({ times, bytes }: Case): string {
  return `${at(times, 0).toFixed(1)} (median ${at(times, 0.5).toFixed(1)}) ns, ${at(bytes, 0.5).toFixed(1)} bytes`;
}

function at(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length * share)] ?? 0;
}
