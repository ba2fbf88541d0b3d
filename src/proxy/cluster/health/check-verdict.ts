/** From results of checks to a verdict: thresholds in a row, as Envoy counts them. */
import type { HealthCheckConfig } from '../../../snapshot/health-check-config.ts';

export interface CheckState {
  /** `unknown` until the first check, which decides alone. */
  readonly verdict: 'unknown' | 'well' | 'failing';
  /** Results in a row that speak against the verdict. */
  readonly against: number;
}

export const UNCHECKED: CheckState = { verdict: 'unknown', against: 0 };

type Thresholds = Pick<HealthCheckConfig, 'healthyThreshold' | 'unhealthyThreshold'>;

export function afterCheck(state: CheckState, isWell: boolean, decisive: boolean, config: Thresholds): CheckState {
  const said = isWell ? 'well' : 'failing';
  if (state.verdict === 'unknown' || decisive) return { verdict: said, against: 0 };
  if (state.verdict === said) return state.against === 0 ? state : { verdict: said, against: 0 };
  const against = state.against + 1;
  const threshold = isWell ? config.healthyThreshold : config.unhealthyThreshold;
  return against >= threshold ? { verdict: said, against: 0 } : { verdict: state.verdict, against };
}
