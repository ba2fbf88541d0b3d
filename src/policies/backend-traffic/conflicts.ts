/** Which sections of a policy have no effect at one of its targets, because an older policy of the same target writes them. */
import type { RequestTarget } from '../request-target.ts';
import { byAgeThenName } from '../seniority.ts';
import { type BackendTrafficPolicy, type Section, SECTIONS } from './kind.ts';

export interface Conflict {
  readonly section: Section;
  readonly winner: BackendTrafficPolicy;
}

/**
 * `policies`: all of the namespace, in any order. `same`: whether two targets are one and the same, which takes the
 * Service to tell where one names a port and the other numbers it.
 */
export function conflictsOf(
  policy: BackendTrafficPolicy,
  target: RequestTarget,
  policies: readonly BackendTrafficPolicy[],
  same: (a: RequestTarget, b: RequestTarget) => boolean,
): readonly Conflict[] {
  const rivals = policies
    .filter((each) => each.metadata.name !== policy.metadata.name && byAgeThenName(each, policy) < 0)
    .filter((each) => each.spec?.targetRefs.some((ref) => same(ref, target)))
    .toSorted(byAgeThenName);
  return sectionsOf(policy).flatMap((section) => {
    const winner = rivals.find(({ spec }) => spec?.[section] !== undefined);
    return winner === undefined ? [] : [{ section, winner }];
  });
}

/** Those that it writes. */
export function sectionsOf({ spec }: BackendTrafficPolicy): readonly Section[] {
  return SECTIONS.filter((section) => spec?.[section] !== undefined);
}
