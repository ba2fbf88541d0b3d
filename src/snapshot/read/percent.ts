/** Envoy's Percent, and numbers that mean one. */
import type { Percent } from '../../xds/tables/messages.gen.ts';
import { invalid } from './problem.ts';

/** 0 to 100. */
export function readPercent(where: string, value: Percent | number | undefined, unset: number): number {
  const percent = (typeof value === 'object' ? value.value : value) ?? unset;
  if (!(percent >= 0 && percent <= 100)) throw invalid(where, `${percent} is not within 0 and 100`);
  return percent;
}
