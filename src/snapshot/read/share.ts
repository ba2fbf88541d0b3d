/** Envoy's RuntimeFractionalPercent as a share of requests. */
import { readFraction } from '../../xds/fraction.ts';
import type { RuntimeFractionalPercent } from '../../xds/tables/messages.gen.ts';
import { invalid } from './problem.ts';

/** 0–1; unset: all. Runtime keys have no meaning here: the default value holds. */
export function readShare(where: string, message: RuntimeFractionalPercent | undefined): number {
  if (message === undefined) return 1;
  const value = message.defaultValue;
  if (value === undefined) throw invalid(`${where}.default_value`, 'required');
  return readFraction(`${where}.default_value`, value);
}
