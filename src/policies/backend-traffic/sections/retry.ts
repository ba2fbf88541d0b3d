/** `retry`: which failures are tried again, how often and how soon; at another endpoint, if there is one. */
import { z } from 'zod';
import { parseGatewayDuration } from '../../../core/durations.ts';
import { durationBetween } from '../../../api/fields.ts';

/** Envoy's names (`retry_on`); the last five are gRPC statuses. */
export const RETRY_CONDITIONS = [
  'connect-failure',
  'refused-stream',
  'reset',
  'reset-before-request',
  '5xx',
  'gateway-error',
  'retriable-4xx',
  'cancelled',
  'deadline-exceeded',
  'internal',
  'resource-exhausted',
  'unavailable',
] as const;

export const retry = z
  .strictObject({
    attempts: z.int().min(0).max(10).optional().describe('Tries after the first. 0: none. Unset: 2.'),
    on: z
      .array(z.enum(RETRY_CONDITIONS))
      .max(RETRY_CONDITIONS.length)
      .optional()
      .describe('What is tried again, by Envoy’s names. Unset: connect-failure, refused-stream and reset.'),
    statuses: z
      .array(z.int().min(400).max(599))
      .max(32)
      .optional()
      .describe('Responses that are tried again, besides those of `on`. Unset: 503.'),
    methods: z
      .enum(['Idempotent', 'All'])
      .optional()
      .describe(
        'Idempotent: what may have been processed is sent again only if it is GET, HEAD, OPTIONS, PUT, DELETE or TRACE; connect-failure, refused-stream, reset-before-request and gRPC statuses hold for all. All: everything holds for all. Unset: Idempotent.',
      ),
    backOff: z
      .strictObject({
        base: durationBetween(
          '1ms',
          '1m',
          'The mean before the first retry; doubled for each more. Unset: 25ms.',
        ).optional(),
        max: durationBetween('1ms', '10m', 'Unset: 250ms, or base if that is more.').optional(),
      })
      .superRefine(({ base, max }, context) => {
        const baseMs = parseGatewayDuration(base ?? '25ms') ?? 0;
        const maxMs = max === undefined ? baseMs : (parseGatewayDuration(max) ?? 0);
        if (maxMs < baseMs) {
          context.addIssue({
            code: 'custom',
            path: ['max'],
            message: `must be at least base, ${base ?? '25ms'}|Unset it is 250ms, or base if that is more`,
          });
        }
      })
      .optional()
      .describe('The pause before a retry, spread at random.'),
    retryAfter: z
      .strictObject({
        max: durationBetween(
          '1s',
          '1h',
          'A response that asks for more is tried again by backOff. Unset: 5m.',
        ).optional(),
      })
      .optional()
      .describe('Whether the pause that a response asks for in Retry-After is kept. Unset: it is not read.'),
    maxBodyBytes: z
      .int()
      .min(0)
      .max(16 * 1024 * 1024)
      .optional()
      .describe('A request with a larger body is not tried again, because that much is kept. Unset: 65536.'),
  })
  .superRefine((section, context) => {
    if (section.on?.length !== 0 || section.statuses?.length !== 0 || section.attempts === 0) return;
    const message = 'is empty, and so is statuses: nothing would be tried again|Say that with attempts: 0';
    context.addIssue({ code: 'custom', path: ['on'], message });
  });
