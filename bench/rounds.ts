/**
 * The same load on each in turn, round after round, so that what changes on the machine changes for all: a ratio is
 * taken within a round, and the median of the rounds counts.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMicros } from './cpu-time.ts';
import type { Proxies } from './proxies.ts';
import { median, type Report } from './report.ts';
import { boundOf, targetOf } from './targets.ts';

export interface Sample {
  /** Empty: none; else what went wrong, and the round does not count, for nobody. */
  readonly errors: string;
}

/** Each round holds one sample a target, in their order. At most as many rounds again are run for those with errors. */
export async function inRounds<T extends Sample>(
  name: string,
  targets: readonly Proxies[],
  rounds: number,
  report: Report,
  measure: (target: Proxies) => Promise<T>,
): Promise<T[][]> {
  const good: T[][] = [];
  for (let spare = rounds; good.length < rounds && spare >= 0; ) {
    const samples: T[] = [];
    for (const target of targets) samples.push(await measure(target));
    const errors = samples.flatMap(({ errors: text }, i) =>
      text === '' ? [] : [`${targets[i]?.name ?? ''}: ${text}`],
    );
    if (errors.length === 0) good.push(samples);
    else {
      spare--;
      report.say(`${name}: a round with errors does not count (${errors.join('; ')})`);
    }
  }
  if (good.length === 0) throw new Error(`${name}: no round without errors`);
  return good;
}

/** One line for each target but the first, which is what the others are compared to. */
export function compare<T extends Sample>(
  report: Report,
  name: string,
  unit: string,
  targets: readonly Proxies[],
  rounds: readonly (readonly T[])[],
  value: (sample: T) => number,
): void {
  const at = (round: readonly T[], i: number): number => {
    const sample = round[i];
    return sample === undefined ? Number.NaN : value(sample);
  };
  const medianOf = (i: number): number => median(rounds.map((round) => at(round, i)));
  targets.forEach(({ name: peer }, i) => {
    if (i === 0) return;
    const ratio = median(rounds.map((round) => at(round, 0) / at(round, i)));
    const target = targetOf(name, peer);
    const ok = target === null ? null : ratio <= target;
    report.compared({ case: name, peer, ours: medianOf(0), theirs: medianOf(i), unit, ratio, target, ok });
  });
  if (targets.length === 1) alone(report, name, unit, medianOf(0));
}

/** Beside nobody: held to an absolute bound where there is one. */
export function alone(report: Report, name: string, unit: string, ours: number): void {
  const target = boundOf(name);
  const ok = target === null ? null : ours <= target;
  report.compared({ case: name, peer: null, ours, theirs: null, unit, ratio: null, target, ok });
}

/** Of a run; its first part makes connections, the last one may end a little earlier than asked. */
const WINDOW = { from: 0.4, to: 0.9 };

/** CPU µs of all threads of the target in the middle of a run, over what the backend answered in that time. */
export async function cpuPerAnswer(target: Proxies, seconds: number, count: () => Promise<number>): Promise<number> {
  await sleep(seconds * 1000 * WINDOW.from);
  const before = { cpuUs: cpuMicros(target.pids), answers: await count() };
  await sleep(seconds * 1000 * (WINDOW.to - WINDOW.from));
  const after = { cpuUs: cpuMicros(target.pids), answers: await count() };
  return (after.cpuUs - before.cpuUs) / (after.answers - before.answers);
}
