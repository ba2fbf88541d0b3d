/** `locality`: which zones and regions a request may go to, and what happens when many endpoints of one are unhealthy. */
import { z } from 'zod';
import { text } from '../../../api/fields.ts';
import { LABEL_VALUE } from '../../../api/names.ts';

const share = z.strictObject({
  region: text(LABEL_VALUE)
    .optional()
    .describe('Of the endpoints, as their Workloads say it. Unset: those without a region.'),
  zone: text(LABEL_VALUE).optional().describe('Of the endpoints. Unset: those without a zone.'),
  weight: z.int().min(1).max(1_000_000).describe('The share of the locality among all.'),
});

const zoneAware = z.strictObject({
  minimumEndpoints: z
    .int()
    .min(1)
    .max(10_000)
    .optional()
    .describe('With fewer endpoints in all, every zone is taken. Unset: 6.'),
  routingPercent: z
    .int()
    .min(0)
    .max(100)
    .optional()
    .describe('The share of requests that prefer the own zone, in per cent. Unset: 100.'),
});

export const locality = z
  .strictObject({
    mode: z
      .enum(['Any', 'Weighted', 'ZoneAware', 'Failover'])
      .optional()
      .describe(
        'Any: endpoints are taken wherever they are. Weighted: first a locality by its weight, then an endpoint. ZoneAware: the own zone, as far as it can carry its share. Failover: the own zone, then the own region, then the rest. Unset: Any.',
      ),
    weights: z
      .array(share)
      .min(1)
      .max(64)
      .optional()
      .describe('For Weighted only. Unset, and for what is not named: one for each endpoint of the locality.'),
    zoneAware: zoneAware.optional().describe('For ZoneAware only.'),
    overprovisioningPercent: z
      .int()
      .min(100)
      .max(1000)
      .optional()
      .describe(
        'How much more than its share a locality or priority can carry: at 140 it keeps all its traffic until less than 1/1.4 of its endpoints are healthy. Unset: 140.',
      ),
    panicThresholdPercent: z
      .int()
      .min(0)
      .max(100)
      .optional()
      .describe(
        'With a smaller share of healthy endpoints, in per cent, the unhealthy are taken as well. 0: never. Unset: 50.',
      ),
  })
  .superRefine((section, context) => {
    const mode = section.mode ?? 'Any';
    const report = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
    if (section.weights !== undefined && mode !== 'Weighted') {
      report(['weights'], `is for mode Weighted, and this is ${mode}|Remove it, or change mode`);
    }
    if (section.zoneAware !== undefined && mode !== 'ZoneAware') {
      report(['zoneAware'], `is for mode ZoneAware, and this is ${mode}|Remove it, or change mode`);
    }
    const seen = new Map<string, number>();
    (section.weights ?? []).forEach(({ region = '', zone = '' }, index) => {
      const first = seen.get(`${region}/${zone}`);
      if (first === undefined) seen.set(`${region}/${zone}`, index);
      else report(['weights', index], `repeats the locality of weights[${first}]|Remove one of them`);
    });
  });
