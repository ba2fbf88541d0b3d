/**
 * Which policy each section of a request or of a port comes from. Pure, so that generation, status and `describe` share it.
 *
 * Most specific first: a rule of an HTTPRoute, the HTTPRoute, a port of the Service, the Service. A section comes whole
 * from the first policy that writes it; what none writes has its default. Within a level the older policy wins, then the
 * name that sorts first. So the order in which policies arrive decides nothing, and because sections are never mixed,
 * what holds is always something that somebody wrote and validation has seen.
 */
import { originOf } from '../../api/origin.ts';
import type { Origin } from '../../api/resource.ts';
import type { ServicePortRef } from '../policy-kind.ts';
import { attached, type RuleTarget } from '../request-target.ts';
import {
  BACKEND_SECTIONS,
  type BackendTrafficPolicy,
  type BackendTrafficSpec,
  REQUEST_SECTIONS,
  type Section,
} from './kind.ts';

/** What holds, and the field that says so. A section that no policy writes is absent. */
export interface Effective {
  readonly sections: Pick<BackendTrafficSpec, Section>;
  readonly origins: Readonly<Partial<Record<Section, Origin>>>;
}

/** For the endpoints of a port. `policies`: in any order; those of other namespaces are ignored. */
export function effectiveForBackend(policies: readonly BackendTrafficPolicy[], port: ServicePortRef): Effective {
  return chosen(attached(policies, port, null), BACKEND_SECTIONS);
}

/** For requests to a port; `rule`: null when they match no HTTPRoute. `policies`: of both namespaces, in any order. */
export function effectiveForRequest(
  policies: readonly BackendTrafficPolicy[],
  port: ServicePortRef,
  rule: RuleTarget | null,
): Effective {
  return chosen(attached(policies, port, rule), REQUEST_SECTIONS);
}

function chosen(policies: readonly BackendTrafficPolicy[], names: readonly Section[]): Effective {
  const sections: Partial<Record<Section, unknown>> = {};
  const origins: Partial<Record<Section, Origin>> = {};
  for (const name of names) {
    const policy = policies.find(({ spec }) => spec?.[name] !== undefined);
    if (policy === undefined) continue;
    sections[name] = policy.spec?.[name];
    origins[name] = originOf(policy, `spec.${name}`);
  }
  return { sections: sections as Effective['sections'], origins };
}
