/**
 * Where a workload is: flags of `weft run`, else the environment, so that one unit file or image serves every zone. What
 * is said here stands in the workload's record, from which the endpoints that others get and the own zone are taken.
 */
import { UsageError } from '../exit-codes.ts';

export interface LocalityFlags {
  readonly region?: string;
  readonly zone?: string;
}

export interface RunLocality {
  /** Empty: not said. */
  readonly region: string;
  readonly zone: string;
}

/** As labels of Kubernetes' nodes have them (topology.kubernetes.io/zone). */
const NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/** null: nothing was said. An empty text says nothing. */
export function runLocality(
  flags: LocalityFlags,
  environment: Readonly<Record<string, string | undefined>>,
): RunLocality | null {
  const region = named('--region', flags.region) || named('WEFT_REGION', environment['WEFT_REGION']);
  const zone = named('--zone', flags.zone) || named('WEFT_ZONE', environment['WEFT_ZONE']);
  return region === '' && zone === '' ? null : { region, zone };
}

function named(source: string, text = ''): string {
  if (text === '' || NAME.test(text)) return text;
  throw new UsageError(
    `${source} ${text} is no name of a place`,
    'Letters, digits, "-", "_" and ".", at most 63 characters, such as eu-west-1b',
  );
}
