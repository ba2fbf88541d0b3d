/**
 * Which policies are over. Generation knows no time, so that it stays a function of objects: what watches the clock puts an
 * object into the index for each policy whose `until` has passed.
 */
import type { Reader } from '../../api/reader.ts';
import type { Resource } from '../../api/resource.ts';
import { type FaultInjection, KIND } from './kind.ts';

export const ENDED_KIND = 'EndedFault';

interface EndedSpec {
  /** As the policy said it: one that was moved since has not ended. */
  readonly until: string;
}

/** Never stored, never served. */
export function endedFault({ metadata, spec }: FaultInjection): Resource<EndedSpec> {
  const { name, namespace = '', uid = '', resourceVersion = '' } = metadata;
  return {
    apiVersion: 'internal.weft.mesh/v1',
    kind: ENDED_KIND,
    metadata: { name, namespace, uid: `ended-${uid}`, resourceVersion },
    spec: { until: spec?.until ?? '' },
  };
}

/** Those that name a Service or an HTTPRoute of their own namespace and have not ended. */
export function faultsFor(read: Reader, namespace: string, name: string): readonly FaultInjection[] {
  const naming = read.referring(KIND, namespace, { namespace, name }) as readonly FaultInjection[];
  return naming.filter((policy) => !hasEnded(read, policy));
}

export function hasEnded(read: Pick<Reader, 'get'>, { metadata, spec }: FaultInjection): boolean {
  if (spec?.until === undefined) return false;
  const key = { kind: ENDED_KIND, namespace: metadata.namespace ?? '', name: metadata.name };
  return (read.get(key) as Resource<EndedSpec> | null)?.spec?.until === spec.until;
}
