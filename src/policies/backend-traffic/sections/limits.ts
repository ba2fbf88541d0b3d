/** `limits`: how much one proxy lets through to a service before it answers 503 by itself (Envoy: circuit breakers). */
import { z } from 'zod';

const count = z.int().min(1).max(1_000_000);

export const limits = z
  .strictObject({
    connections: count.optional().describe('To all endpoints of the port together. Unset: 1024.'),
    pendingRequests: count.optional().describe('Requests that wait for a connection. Unset: 1024.'),
    requests: count.optional().describe('Requests at one time. Unset: 1024.'),
    retries: z
      .int()
      .min(0)
      .max(1_000_000)
      .optional()
      .describe('Retries at one time, in place of retryBudget. Unset: retryBudget decides.'),
    retryBudget: z
      .strictObject({
        percent: z.number().min(0).max(100).optional().describe('Of the requests at one time. Unset: 20.'),
        minimum: z
          .int()
          .min(0)
          .max(10_000)
          .optional()
          .describe('Retries at one time that are always allowed. Unset: 25.'),
      })
      .optional()
      .describe('How many retries there may be at one time.'),
  })
  .superRefine((section, context) => {
    if (section.retries === undefined || section.retryBudget === undefined) return;
    const message = 'must not stand beside retryBudget: one of them decides|Keep one of the two';
    context.addIssue({ code: 'custom', path: ['retries'], message });
  });
