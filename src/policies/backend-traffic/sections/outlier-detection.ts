/** `outlierDetection`: endpoints that fail are left alone for a while. */
import { z } from 'zod';
import { parseGatewayDuration } from '../../../core/durations.ts';
import { durationBetween } from '../../../api/fields.ts';

const consecutive = z.int().min(0).max(10_000);
const percent = z.int().min(0).max(100);
const volume = z.int().min(1).max(1_000_000);
const hosts = z.int().min(1).max(10_000);

const successRate = z.strictObject({
  minimumEndpoints: hosts.optional().describe('With fewer that have the volume, nobody is judged. Unset: 5.'),
  requestVolume: volume
    .optional()
    .describe('Requests in an interval below which an endpoint is not judged. Unset: 100.'),
  deviations: z
    .number()
    .min(0.1)
    .max(10)
    .optional()
    .describe('Ejected is what is worse than the mean by this many standard deviations. Unset: 1.9.'),
});

const failurePercentage = z.strictObject({
  threshold: z.int().min(1).max(100).optional().describe('Ejected is what fails this often, in per cent. Unset: 85.'),
  minimumEndpoints: hosts.optional().describe('With fewer that have the volume, nobody is judged. Unset: 5.'),
  requestVolume: volume
    .optional()
    .describe('Requests in an interval below which an endpoint is not judged. Unset: 50.'),
});

export const outlierDetection = z
  .strictObject({
    interval: durationBetween(
      '100ms',
      '1h',
      'Between two looks at rates and at who may return. Unset: 10s.',
    ).optional(),
    baseEjectionTime: durationBetween(
      '100ms',
      '24h',
      'For how long an endpoint is left alone; times the number of times that it was. Unset: 30s.',
    ).optional(),
    maxEjectionTime: durationBetween('100ms', '24h', 'The longest, however often. Unset: 300s.').optional(),
    ejectionJitter: durationBetween(
      '0s',
      '1h',
      'Up to this is added at random, so that not all return at once. Unset: 0s.',
    ).optional(),
    maxEjectionPercent: percent
      .optional()
      .describe('Of the endpoints, in per cent, at one time; one may always be. Unset: 10.'),
    consecutive5xx: consecutive
      .optional()
      .describe('Ejects after so many responses of 500 to 599 in a row. 0: never. Unset: 5.'),
    consecutiveGatewayErrors: consecutive
      .optional()
      .describe('Ejects after so many responses of 502, 503 or 504 in a row. 0: never. Unset: 0.'),
    splitLocalOrigin: z
      .boolean()
      .optional()
      .describe(
        'Whether connections that fail and time out are counted apart; if not, they count as responses of 5xx. Unset: false.',
      ),
    consecutiveLocalOriginFailures: consecutive
      .optional()
      .describe('With splitLocalOrigin: ejects after so many of those in a row. 0: never. Unset: 5.'),
    successRate: successRate.optional().describe('Compares endpoints with each other. Unset: not done.'),
    failurePercentage: failurePercentage.optional().describe('Judges each endpoint by itself. Unset: not done.'),
  })
  .superRefine((section, context) => {
    const report = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
    const baseMs = parseGatewayDuration(section.baseEjectionTime ?? '30s') ?? 0;
    const mostMs = parseGatewayDuration(section.maxEjectionTime ?? '300s') ?? 0;
    if (mostMs < baseMs) {
      report(
        'maxEjectionTime',
        `must be at least baseEjectionTime, ${section.baseEjectionTime ?? '30s'}|Unset it is 300s`,
      );
    }
    if (section.consecutiveLocalOriginFailures !== undefined && section.splitLocalOrigin !== true) {
      report(
        'consecutiveLocalOriginFailures',
        'needs splitLocalOrigin: true|Without it they count as responses of 5xx',
      );
    }
    const counted =
      (section.consecutive5xx ?? 5) > 0 ||
      (section.consecutiveGatewayErrors ?? 0) > 0 ||
      (section.splitLocalOrigin === true && (section.consecutiveLocalOriginFailures ?? 5) > 0);
    if (!counted && section.successRate === undefined && section.failurePercentage === undefined) {
      report('consecutive5xx', 'leaves no detector on|Remove the section to have no outlier detection');
    }
  });
