/** `weft.mesh/v1` FaultInjection: requests that are held back or answered with an error on purpose, until a given time. */
import { z } from 'zod';
import { durationBetween, headerName } from '../../api/fields.ts';
import type { Frozen } from '../../api/kind.ts';
import type { Resource } from '../../api/resource.ts';
import type { policyStatus } from '../policy-status.ts';
import { requestTargets } from '../request-target.ts';

export const KIND = 'FaultInjection';

const percentage = z
  .number()
  .min(0)
  .max(100)
  .refine((value) => Number.isInteger(Math.round(value * 1e8) / 1e4), { error: 'must have at most 4 decimals' })
  .optional()
  .describe('Of the requests that the policy concerns; at most 4 decimals. Unset: 100.');

const header = z
  .strictObject({
    name: headerName.describe('Of a request.'),
    type: z.enum(['Exact', 'Prefix', 'Present']).optional().describe('Unset: Exact.'),
    value: z.string().min(1).max(4096).optional().describe('Not for Present.'),
  })
  .superRefine(({ type, value }, context) => {
    const report = (message: string) => context.addIssue({ code: 'custom', path: ['value'], message });
    if (type === 'Present' && value !== undefined) report('must be left out beside Present');
    if (type !== 'Present' && value === undefined) report('is required');
  });

const delay = z.strictObject({
  fixed: durationBetween('1ms', '1h', 'How long a request is held back.'),
  percentage,
});

const abort = z
  .strictObject({
    httpStatus: z
      .int()
      .min(200)
      .max(599)
      .optional()
      .describe('What a request is answered with; a gRPC caller is told what gRPC makes of it.'),
    grpcStatus: z
      .int()
      .min(1)
      .max(16)
      .optional()
      .describe('What a gRPC call is answered with: the whole policy is then for gRPC calls alone.'),
    percentage,
  })
  .superRefine(({ httpStatus, grpcStatus }, context) => {
    if ((httpStatus === undefined) !== (grpcStatus === undefined)) return;
    context.addIssue({ code: 'custom', path: [], message: 'must have one of httpStatus and grpcStatus' });
  });

export const spec = z.strictObject({
  targetRefs: requestTargets,
  headers: z.array(header).min(1).max(16).optional().describe('Requests with all of these. Unset: every request.'),
  delay: delay.optional().describe('Holds requests back. Unset: none.'),
  abort: abort.optional().describe('Answers requests in the place of the service, after their delay. Unset: none.'),
  maxActive: z
    .int()
    .min(1)
    .max(100_000)
    .optional()
    .describe('Requests at once that one proxy holds back; what comes beyond passes. Unset: 1000.'),
  until: z.iso
    .datetime({ offset: true })
    .optional()
    .describe('When it ends by itself, such as `2026-06-01T18:00:00Z`. Unset: when it is deleted.'),
});

export type FaultSpec = Frozen<z.infer<typeof spec>>;
export type FaultStatus = Frozen<z.infer<typeof policyStatus>>;
export type FaultInjection = Resource<FaultSpec, FaultStatus>;
