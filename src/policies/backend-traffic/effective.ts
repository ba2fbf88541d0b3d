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
import {
  BACKEND_SECTIONS,
  type BackendTrafficPolicy,
  type BackendTrafficSpec,
  type BackendTrafficTarget,
  REQUEST_SECTIONS,
  type Section,
} from './kind.ts';

/** One rule of an HTTPRoute. */
export interface RuleTarget {
  readonly namespace: string;
  readonly route: string;
  /** Empty when it has none. */
  readonly rule: string;
}

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

/** Those that are for `port` or for `rule`, the most specific first. */
export function attached(
  policies: readonly BackendTrafficPolicy[],
  port: ServicePortRef,
  rule: RuleTarget | null,
): readonly BackendTrafficPolicy[] {
  return policies
    .map((policy) => ({ policy, level: levelOf(policy, port, rule) }))
    .filter(({ level }) => level < LEVELS)
    .toSorted((a, b) => a.level - b.level || byAgeThenName(a.policy, b.policy))
    .map(({ policy }) => policy);
}

export function byAgeThenName(a: BackendTrafficPolicy, b: BackendTrafficPolicy): number {
  // RFC 3339 in UTC sorts as text. One that is not stored yet has no age: it is the youngest.
  return (
    byText(a.metadata.creationTimestamp ?? '~', b.metadata.creationTimestamp ?? '~') ||
    byText(a.metadata.name, b.metadata.name) ||
    byText(a.metadata.namespace ?? '', b.metadata.namespace ?? '')
  );
}

/** Whether a target names this port of its Service, or the whole Service. */
export function namesPort(ref: BackendTrafficTarget, port: Pick<ServicePortRef, 'port' | 'portName'>): boolean {
  const { sectionName } = ref;
  return sectionName === undefined || sectionName === String(port.port) || sectionName === port.portName;
}

const LEVELS = 4;

/** 0 for a rule to 3 for a Service, by the most specific target that fits; LEVELS when none does. */
function levelOf(policy: BackendTrafficPolicy, port: ServicePortRef, rule: RuleTarget | null): number {
  let level = LEVELS;
  for (const ref of policy.spec?.targetRefs ?? []) {
    level = Math.min(level, levelOfRef(ref, policy.metadata.namespace ?? '', port, rule));
  }
  return level;
}

function levelOfRef(
  ref: BackendTrafficTarget,
  namespace: string,
  port: ServicePortRef,
  rule: RuleTarget | null,
): number {
  const whole = ref.sectionName === undefined;
  if (ref.kind === 'HTTPRoute') {
    if (rule === null || ref.name !== rule.route || namespace !== rule.namespace) return LEVELS;
    if (whole) return 1;
    return ref.sectionName === rule.rule ? 0 : LEVELS;
  }
  if (ref.name !== port.service || namespace !== port.namespace || !namesPort(ref, port)) return LEVELS;
  return whole ? 3 : 2;
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

function byText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
