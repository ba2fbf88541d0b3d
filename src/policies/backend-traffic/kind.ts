/**
 * `weft.mesh/v1` BackendTrafficPolicy: how requests to a service are spread, bounded, timed and tried again. Every section
 * is optional; what no policy says has the default that stands at its field.
 */
import { z } from 'zod';
import type { Frozen } from '../../api/kind.ts';
import type { Resource } from '../../api/resource.ts';
import type { policyStatus } from '../policy-status.ts';
import { requestTargets } from '../request-target.ts';
import { connection } from './sections/connection.ts';
import { healthCheck } from './sections/health-check.ts';
import { hedge } from './sections/hedge.ts';
import { limits } from './sections/limits.ts';
import { loadBalancing } from './sections/load-balancing.ts';
import { locality } from './sections/locality.ts';
import { outlierDetection } from './sections/outlier-detection.ts';
import { retry } from './sections/retry.ts';
import { timeouts } from './sections/timeouts.ts';

export const spec = z.strictObject({
  targetRefs: requestTargets,
  loadBalancing: loadBalancing.optional().describe('Which endpoint a request goes to. For a Service.'),
  locality: locality.optional().describe('Which zones a request may go to. For a Service.'),
  outlierDetection: outlierDetection
    .optional()
    .describe('Leaves endpoints alone that fail. For a Service. Unset: off.'),
  healthCheck: healthCheck.optional().describe('Asks endpoints whether they are well. For a Service. Unset: off.'),
  limits: limits.optional().describe('How much one proxy lets through. For a Service.'),
  connection: connection.optional().describe('How connections are made and kept. For a Service.'),
  timeouts: timeouts.optional().describe('How long a request may take.'),
  retry: retry.optional().describe('Which failures are tried again.'),
  hedge: hedge.optional().describe('A second try beside a slow one. Unset: off.'),
});

export type BackendTrafficSpec = Frozen<z.infer<typeof spec>>;
export type BackendTrafficStatus = Frozen<z.infer<typeof policyStatus>>;
export type BackendTrafficPolicy = Resource<BackendTrafficSpec, BackendTrafficStatus>;

/** They are about the endpoints of a Service's port, which all its callers share. */
export const BACKEND_SECTIONS = [
  'loadBalancing',
  'locality',
  'outlierDetection',
  'healthCheck',
  'limits',
  'connection',
] as const satisfies (keyof BackendTrafficSpec)[];

/** They are about a request, before its endpoint is known. */
export const REQUEST_SECTIONS = ['timeouts', 'retry', 'hedge'] as const satisfies (keyof BackendTrafficSpec)[];

export const SECTIONS = [...BACKEND_SECTIONS, ...REQUEST_SECTIONS] as const;
export type Section = (typeof SECTIONS)[number];

export const KIND = 'BackendTrafficPolicy';
