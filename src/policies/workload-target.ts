/**
 * What a policy for workloads is for: those that targetRefs name, those that a selector selects, or all of a namespace.
 * Kinds that are enforced before an application share it, so that it reads the same everywhere.
 */
import { z } from 'zod';
import { labels, objectName } from '../api/fields.ts';
import type { Frozen } from '../api/kind.ts';
import type { Service } from '../api/kinds/service.ts';
import type { Workload } from '../api/kinds/workload.ts';
import type { Reader } from '../api/reader.ts';
import type { Resource } from '../api/resource.ts';
import { selects } from '../api/selector.ts';
import type { ReportViolation } from '../api/violation.ts';

const WORKLOAD_GROUP = 'weft.mesh';

const targetRef = z
  .strictObject({
    group: z.string().describe('Empty for a Service, `weft.mesh` for a Workload.'),
    kind: z.enum(['Service', 'Workload']).describe('A Service: every workload that it selects.'),
    name: objectName('subdomain').describe('In the policy’s own namespace.'),
  })
  .superRefine((ref, context) => {
    const group = ref.kind === 'Service' ? '' : WORKLOAD_GROUP;
    if (ref.group !== group) {
      context.addIssue({ code: 'custom', path: ['group'], message: `must be "${group}" for a ${ref.kind}` });
    }
  });

/** Fields of a spec. */
export const workloadTargets = {
  targetRefs: z.array(targetRef).min(1).max(16).optional().describe('The workloads that these name or select.'),
  selector: z
    .strictObject({
      matchLabels: labels
        .refine((map) => Object.keys(map).length > 0, {
          error: 'must have at least one label|To mean the whole namespace, leave the selector out',
        })
        .describe('All of them.'),
    })
    .optional()
    .describe('The workloads with all these labels. Neither this nor targetRefs: every workload of the namespace.'),
};

export type WorkloadTarget = Frozen<z.infer<typeof targetRef>>;

export interface WorkloadTargets {
  readonly targetRefs?: readonly WorkloadTarget[] | undefined;
  readonly selector?: { readonly matchLabels: Readonly<Record<string, string>> } | undefined;
}

type Targeting = Resource<WorkloadTargets>;

export function checkTargets(spec: WorkloadTargets | undefined, report: ReportViolation): void {
  if (spec?.targetRefs === undefined || spec.selector === undefined) return;
  report(['spec', 'selector'], 'must not stand beside targetRefs', 'Keep one of the two');
}

/** Whether it is for less than a whole namespace. */
export function isTargeted({ spec }: Targeting): boolean {
  return spec?.targetRefs !== undefined || spec?.selector !== undefined;
}

/** The Services that these policies name: all that `targetsWorkload` needs to know. */
export function targetedServices(read: Reader, namespace: string, policies: readonly Targeting[]): Service[] {
  const refs = policies.flatMap(({ spec }) => spec?.targetRefs ?? []);
  const names = new Set(refs.filter(({ kind }) => kind === 'Service').map(({ name }) => name));
  return [...names].flatMap((name) => (read.get({ kind: 'Service', namespace, name }) as Service | null) ?? []);
}

/** Whether it names or selects this workload of its own namespace. `services`: of that namespace. */
export function targetsWorkload({ spec }: Targeting, workload: Workload, services: readonly Service[]): boolean {
  const { name, namespace, labels: own } = workload.metadata;
  if (selects(spec?.selector?.matchLabels, own)) return true;
  return (spec?.targetRefs ?? []).some((ref) => {
    if (ref.kind === 'Workload') return ref.name === name;
    const service = services.find((each) => each.metadata.name === ref.name && each.metadata.namespace === namespace);
    return selects(service?.spec?.selector, own);
  });
}

export function targetsText(spec: WorkloadTargets): string {
  if (spec.targetRefs !== undefined) return spec.targetRefs.map((ref) => `${ref.kind}/${ref.name}`).join(', ');
  const wanted = Object.entries(spec.selector?.matchLabels ?? {});
  return wanted.length === 0 ? '(namespace)' : wanted.map(([key, value]) => `${key}=${value}`).join(',');
}
