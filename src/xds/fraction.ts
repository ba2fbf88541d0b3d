/** Envoy's FractionalPercent → a share of 1. */
import { FractionalPercent_DenominatorType as Denominator, type FractionalPercent } from './tables/messages.gen.ts';
import { unsupported } from './problem.ts';

export function readFraction(where: string, value: FractionalPercent): number {
  switch (value.denominator) {
    case Denominator.HUNDRED:
      return value.numerator / 100;
    case Denominator.TEN_THOUSAND:
      return value.numerator / 10_000;
    case Denominator.MILLION:
      return value.numerator / 1_000_000;
    default:
      throw unsupported(`${where}.denominator`);
  }
}
