/** Where a reference to another resource may point: to the aggregated stream that the reference came on. */
import type { ConfigSource } from '../../xds/tables/messages.gen.ts';
import { unsupported } from './problem.ts';

/** `ads` and `self` mean this stream. Unset is refused, as Envoy refuses it. */
export function expectAds(where: string, source: ConfigSource | undefined): void {
  const kind = source?.configSourceSpecifier.case;
  if (kind !== 'ads' && kind !== 'self') throw unsupported(where, 'resources come over ADS only');
}
