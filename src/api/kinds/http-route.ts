/**
 * `gateway.networking.k8s.io/v1` HTTPRoute with a Service as its parent: matches on path, method and headers, weighted
 * backends, timeouts. The most specific match wins, as the standard orders it.
 */
import { z } from 'zod';
import { parseGatewayDuration } from '../../core/durations.ts';
import { duration, headerName, objectName, unsupported } from '../fields.ts';
import type { Frozen, Kind } from '../kind.ts';
import { regexProblem } from '../regex.ts';
import type { Resource } from '../resource.ts';
import {
  backendIsService,
  backendRef,
  backendsText,
  GATEWAY_GROUP,
  parentRefs,
  parentsText,
  routeStatus,
  type RouteStatus,
} from './route.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'] as const;

const pathMatch = z
  .strictObject({
    /** Unset: PathPrefix. A prefix ends at a "/": `/api` matches `/api` and `/api/x`, not `/apix`. */
    type: z.enum(['Exact', 'PathPrefix', 'RegularExpression']).optional(),
    /** Unset: `/`. A regular expression matches the whole path. */
    value: z.string().max(1024).optional(),
  })
  .superRefine((match, context) => {
    const report = (message: string) => context.addIssue({ code: 'custom', path: ['value'], message });
    const value = match.value ?? '/';
    if (match.type === 'RegularExpression') {
      const problem = regexProblem(value);
      if (problem !== null) report(problem);
      return;
    }
    if (!value.startsWith('/')) report('must begin with "/"');
    // As the CRD of the standard: such a path never arrives as it is written, so the match would never hold.
    else if (/\/\/|\/\.\.?(\/|$)|%2f|#/i.test(value)) report('must not contain "//", "/./", "/../", "%2f" or "#"');
  });

const headerMatch = z
  .strictObject({
    /** Unset: Exact. A regular expression matches the whole value. */
    type: z.enum(['Exact', 'RegularExpression']).optional(),
    name: headerName,
    value: z.string().min(1).max(4096),
  })
  .superRefine((match, context) => {
    const problem = match.type === 'RegularExpression' ? regexProblem(match.value) : null;
    if (problem !== null) context.addIssue({ code: 'custom', path: ['value'], message: problem });
  });

const match = z.strictObject({
  path: pathMatch.optional(),
  method: z.enum(METHODS).optional(),
  /** All must hold. */
  headers: z.array(headerMatch).max(16).optional(),
  queryParams: unsupported('Match on path, method or headers'),
});

const timeouts = z
  .strictObject({
    /** From the request's arrival to the end of the response, retries included. Unset or `0s`: no limit. */
    request: duration.optional(),
    /** One attempt at a backend; at most `request`. Unset or `0s`: no limit of its own. */
    backendRequest: duration.optional(),
  })
  .superRefine(({ request, backendRequest }, context) => {
    const limitMs = parseGatewayDuration(request ?? '') ?? 0;
    const attemptMs = parseGatewayDuration(backendRequest ?? '') ?? 0;
    // GEP-1742: zero is no limit.
    if (limitMs > 0 && attemptMs > limitMs) {
      context.addIssue({ code: 'custom', path: ['backendRequest'], message: `must be at most request, ${request}` });
    }
  });

const httpBackendRef = z
  .strictObject({ ...backendRef.def.shape, filters: unsupported('Remove the filters') })
  .superRefine(backendIsService);

const rule = z.strictObject({
  name: objectName('subdomain').optional(),
  /** One of them must hold. Unset or empty: every request. */
  matches: z.array(match).max(64).optional(),
  /** Unset or empty: requests that match are answered with 500, as the standard says. */
  backendRefs: z.array(httpBackendRef).max(16).optional(),
  timeouts: timeouts.optional(),
  filters: unsupported('Remove the filters; matches, weights and timeouts are supported'),
  retry: unsupported(
    'Idempotent requests are retried by default; a BackendTrafficPolicy for this route says otherwise',
  ),
  sessionPersistence: unsupported('Remove the field'),
});

const spec = z.strictObject({
  parentRefs,
  /** Unset: one rule that matches every request. */
  rules: z.array(rule).min(1).max(16),
  hostnames: unsupported('A route whose parent is a Service ignores hostnames (GAMMA): remove them'),
});

export type HttpRouteSpec = Frozen<z.infer<typeof spec>>;
export type HttpRouteRule = Frozen<z.infer<typeof rule>>;
export type HttpRouteMatch = Frozen<z.infer<typeof match>>;
export type HttpPathMatch = Frozen<z.infer<typeof pathMatch>>;
export type HttpHeaderMatch = Frozen<z.infer<typeof headerMatch>>;
export type HttpRoute = Resource<HttpRouteSpec, RouteStatus>;

export const httpRouteKind: Kind<HttpRouteSpec, RouteStatus> = {
  group: GATEWAY_GROUP,
  version: 'v1',
  alsoVersions: ['v1beta1'],
  kind: 'HTTPRoute',
  plural: 'httproutes',
  singular: 'httproute',
  shortNames: [],
  namespaced: true,
  nameRule: 'subdomain',
  description: 'How HTTP requests to a Service are matched and shared among backends.',
  spec,
  specRequired: true,
  status: routeStatus,
  immutable: [],
  columns: [
    { name: 'PARENTS', wide: false, value: (route) => parentsText(route.spec?.parentRefs ?? []) },
    { name: 'BACKENDS', wide: false, value: (route) => backendsText(route.spec?.rules ?? []) },
    { name: 'RULES', wide: true, value: (route) => String(route.spec?.rules.length ?? 0) },
  ],
};
