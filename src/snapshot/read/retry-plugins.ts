/** Which hosts and priorities a retry goes to, by Envoy's plug-ins: `retry_host_predicate` and `retry_priority`. */
import type { Any, RetryPolicy as Message } from '../../xds/tables/messages.gen.ts';
import { OmitHostMetadataConfigTable, PreviousPrioritiesConfigTable } from '../../xds/tables/tables.gen.ts';
import { labelsOf, type Labels } from '../subset-match.ts';
import { decodeConfig } from './decode-config.ts';
import { metadataMatch } from './metadata.ts';
import { invalid, unsupported, within } from './problem.ts';

const P = 'type.googleapis.com/envoy.extensions.retry.';
/** What a host of a canary says of itself, among the labels of subsets. */
const CANARY: Labels = [{ key: 'canary', value: 'true' }];

/** `previous_hosts` is no condition: hosts of earlier tries are avoided whoever says so. */
export function readOmissions(where: string, { retryHostPredicate }: Message): readonly Labels[] {
  return retryHostPredicate.flatMap(({ name, configType }, i): readonly Labels[] => {
    const at = `${where}[${i}].typed_config`;
    const config = configType.value;
    switch (config?.typeUrl) {
      case `${P}host.previous_hosts.v3.PreviousHostsPredicate`:
        return [];
      case `${P}host.omit_canary_hosts.v3.OmitCanaryHostsPredicate`:
        return [CANARY];
      case `${P}host.omit_host_metadata.v3.OmitHostMetadataConfig`:
        return within(at, () => readMetadata(config));
      default:
        throw unsupported(at, `no predicate of this proxy reads ${config?.typeUrl ?? name}`);
    }
  });
}

function readMetadata({ value }: Any): readonly Labels[] {
  const fields = metadataMatch(decodeConfig(OmitHostMetadataConfigTable, value).metadataMatch);
  // Nothing said is said of no host.
  return fields === null || Object.keys(fields).length === 0 ? [] : [labelsOf(fields)];
}

export function readPriority(where: string, { retryPriority }: Message): number {
  if (retryPriority === undefined) return 0;
  const config = retryPriority.configType.value;
  if (config?.typeUrl !== `${P}priority.previous_priorities.v3.PreviousPrioritiesConfig`) {
    throw unsupported(
      `${where}.typed_config`,
      `no plug-in of this proxy reads ${config?.typeUrl ?? retryPriority.name}`,
    );
  }
  return within(`${where}.typed_config`, () => {
    const { updateFrequency } = decodeConfig(PreviousPrioritiesConfigTable, config.value);
    if (updateFrequency < 1) throw invalid('update_frequency', 'must be more than 0');
    return updateFrequency;
  });
}
