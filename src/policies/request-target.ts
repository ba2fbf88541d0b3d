/**
 * What a policy for requests is for: Services that are called, HTTPRoutes that requests take, or a part of one. Kinds that
 * are enforced beside the caller share it, and the order in which their policies decide.
 */
import { z } from 'zod';
import { objectName } from '../api/fields.ts';
import type { Frozen } from '../api/kind.ts';
import { GATEWAY_GROUP } from '../api/kinds/route.ts';
import type { Resource } from '../api/resource.ts';
import type { RouteDraft, ServicePortRef } from './policy-kind.ts';
import { byAgeThenName } from './seniority.ts';

const targetRef = z
  .strictObject({
    group: z.string().describe('Empty for a Service, gateway.networking.k8s.io for an HTTPRoute.'),
    kind: z
      .enum(['Service', 'HTTPRoute'])
      .describe('A Service: requests to it. An HTTPRoute: requests that it matches.'),
    name: objectName('subdomain').describe('In the policy’s own namespace.'),
    sectionName: objectName('subdomain')
      .optional()
      .describe('One port of the Service, by its name or number; one rule of the HTTPRoute, by its name. Unset: all.'),
  })
  .superRefine((ref, context) => {
    const group = ref.kind === 'Service' ? '' : GATEWAY_GROUP;
    if (ref.group === group) return;
    context.addIssue({ code: 'custom', path: ['group'], message: `must be "${group}" for kind ${ref.kind}` });
  });

export const requestTargets = z.array(targetRef).min(1).max(16).describe('What the policy is for.');

export type RequestTarget = Frozen<z.infer<typeof targetRef>>;

type Targeting = Resource<{ readonly targetRefs: readonly RequestTarget[] }>;

/** One rule of an HTTPRoute. */
export interface RuleTarget {
  readonly namespace: string;
  readonly route: string;
  /** Empty when it has none. */
  readonly rule: string;
}

export function ruleOf(source: RouteDraft['source']): RuleTarget | null {
  if (source === null) return null;
  const { name, namespace = '' } = source.route.metadata;
  return { namespace, route: name, rule: source.rule.name ?? '' };
}

/**
 * Those that are for `port` or for `rule`, which is null when a request takes no HTTPRoute. Most specific first: a rule, its
 * HTTPRoute, a port of the Service, the Service; then the older policy. `policies`: in any order.
 */
export function attached<P extends Targeting>(
  policies: readonly P[],
  port: ServicePortRef,
  rule: RuleTarget | null,
): readonly P[] {
  return policies
    .map((policy) => ({ policy, level: levelOf(policy, port, rule) }))
    .filter(({ level }) => level < LEVELS)
    .toSorted((a, b) => a.level - b.level || byAgeThenName(a.policy, b.policy))
    .map(({ policy }) => policy);
}

/** Whether a target names this port of its Service, or the whole Service. */
function namesPort(ref: RequestTarget, port: Pick<ServicePortRef, 'port' | 'portName'>): boolean {
  const { sectionName } = ref;
  return sectionName === undefined || sectionName === String(port.port) || sectionName === port.portName;
}

export function requestTargetsText({ spec }: Targeting): string {
  return (spec?.targetRefs ?? [])
    .map(({ kind, name, sectionName }) => `${kind}/${name}${sectionName === undefined ? '' : `:${sectionName}`}`)
    .join(', ');
}

const LEVELS = 4;

/** 0 for a rule to 3 for a Service, by the most specific target that fits; LEVELS when none does. */
function levelOf(policy: Targeting, port: ServicePortRef, rule: RuleTarget | null): number {
  let level = LEVELS;
  for (const ref of policy.spec?.targetRefs ?? []) {
    level = Math.min(level, levelOfRef(ref, policy.metadata.namespace ?? '', port, rule));
  }
  return level;
}

function levelOfRef(ref: RequestTarget, namespace: string, port: ServicePortRef, rule: RuleTarget | null): number {
  const whole = ref.sectionName === undefined;
  if (ref.kind === 'HTTPRoute') {
    if (rule === null || ref.name !== rule.route || namespace !== rule.namespace) return LEVELS;
    if (whole) return 1;
    return ref.sectionName === rule.rule ? 0 : LEVELS;
  }
  if (ref.name !== port.service || namespace !== port.namespace || !namesPort(ref, port)) return LEVELS;
  return whole ? 3 : 2;
}
