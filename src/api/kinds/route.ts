/**
 * What the routes of the Gateway API have in common (GAMMA: a route whose parent is a Service), as far as this version
 * implements it. Fields of the standard that it does not are named in the error, not ignored.
 */
import { z } from 'zod';
import { condition, objectName, portNumber } from '../fields.ts';
import type { Frozen } from '../kind.ts';

export const GATEWAY_GROUP = 'gateway.networking.k8s.io';

const WRITE_GROUP = 'Write group: "" beside kind: Service (unset means gateway.networking.k8s.io)';

export const parentRef = z
  .strictObject({
    group: z.string().optional(),
    kind: z.string().optional(),
    name: objectName('label-1035'),
    /** Unset: the route's own. Another namespace makes a consumer route: it holds for callers of the route's namespace. */
    namespace: objectName('label').optional(),
    /** The name of one port of the Service. */
    sectionName: objectName('subdomain').optional(),
    /** One port of the Service. Unset, as sectionName: every port. */
    port: portNumber.optional(),
  })
  .superRefine((ref, context) => {
    const report = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
    if (ref.kind === 'Service') {
      if (ref.group !== '') report('group', `must be "" for a Service|${WRITE_GROUP}`);
    } else {
      report(
        'kind',
        `must be "Service": other parents are not supported in this version of Weft|Write group: "" and kind: Service`,
      );
    }
  });

export const backendRef = z
  .strictObject({
    /** Unset: the core group. */
    group: z.string().optional(),
    /** Unset: Service. */
    kind: z.string().optional(),
    name: objectName('label-1035'),
    /** Unset: the route's own. */
    namespace: objectName('label').optional(),
    /** The Service's port. */
    port: portNumber,
    /** The share among the rule's backends. Unset: 1; 0: none. */
    weight: z.int().min(0).max(1_000_000).optional(),
  })
  .superRefine(backendIsService);

/** Shared with the routes whose backendRefs have more fields. */
export function backendIsService(
  ref: { group?: string | undefined; kind?: string | undefined },
  context: { addIssue(issue: { code: 'custom'; path: string[]; message: string }): void },
): void {
  const report = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
  if ((ref.group ?? '') !== '') report('group', 'must be "" (unset): a backend is a Service');
  if ((ref.kind ?? 'Service') !== 'Service') report('kind', 'must be "Service" (unset): a backend is a Service');
}

export const parentRefs = z.array(parentRef).min(1).max(32);

export const routeStatus = z.looseObject({
  parents: z
    .array(
      z.looseObject({
        parentRef: z.looseObject({}),
        controllerName: z.string(),
        conditions: z.array(condition).max(16).optional(),
      }),
    )
    .max(32)
    .optional(),
});

export type ParentRef = Frozen<z.infer<typeof parentRef>>;
export type BackendRef = Frozen<z.infer<typeof backendRef>>;
export type RouteStatus = Frozen<z.infer<typeof routeStatus>>;

/** `catalog, shop/stock:80`, for tables. */
export function parentsText(refs: readonly ParentRef[]): string {
  return refs
    .map((ref) => {
      const name = ref.namespace === undefined ? ref.name : `${ref.namespace}/${ref.name}`;
      const section = ref.port ?? ref.sectionName;
      return section === undefined ? name : `${name}:${section}`;
    })
    .join(', ');
}

/** `catalog-v1=90 catalog-v2=10`; weights of a single backend are left out. */
export function backendsText(rules: readonly { readonly backendRefs?: readonly BackendRef[] | undefined }[]): string {
  return rules
    .map((rule) => {
      const refs = rule.backendRefs ?? [];
      return refs.map((ref) => (refs.length === 1 ? ref.name : `${ref.name}=${ref.weight ?? 1}`)).join(' ');
    })
    .join(', ');
}
