/** Values of a policy as Envoy has them. Validation has refused what does not parse; the default is in the same form. */
import { parseGatewayDuration } from '../../../core/durations.ts';
import { durationOf } from '../../../protos/init.ts';

export function millisecondsOf(text: string | undefined, unset: string): number {
  return parseGatewayDuration(text ?? unset) ?? 0;
}

export function durationFrom(text: string | undefined, unset: string): ReturnType<typeof durationOf> {
  return durationOf(millisecondsOf(text, unset));
}
