/** `loadBalancing`: which endpoint a request goes to. */
import { z } from 'zod';
import { durationBetween } from '../../../api/fields.ts';
import { isPrime } from './prime.ts';

/**
 * What our own proxy builds (`snapshot/read/read-balance.ts`), some 100 ms each time that endpoints change. Envoy takes
 * rings of up to 8,388,608 entries and tables of 5,000,011: a policy must mean the same in both.
 */
export const MAX_RING = 262_144;
const MAX_TABLE = 1_000_003;

/** RFC 9110 section 5.6.2; a cookie's name is one too (RFC 6265 section 4.1.1). */
const TOKEN = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/;

const hashSource = z
  .strictObject({
    type: z
      .enum(['SourceAddress', 'Header', 'Cookie', 'QueryParameter'])
      .describe(
        'What of a request is hashed. A request without it falls to the next of the list. Connections of raw bytes have a SourceAddress only, which for the calls of an application through its own sidecar is always the same.',
      ),
    name: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe('Of the header, cookie or parameter. Unset: for SourceAddress alone.'),
    ttl: durationBetween(
      '0s',
      '8760h',
      'Cookie only: the proxy sets the cookie where it is missing, for this long; 0s: for the session. Unset: never set.',
    ).optional(),
    path: z
      .string()
      .max(1024)
      .regex(/^\/[\x21-\x3a\x3c-\x7e]*$/, { error: 'must begin with "/" and have neither spaces nor ";"' })
      .optional()
      .describe('Cookie only: the path of a cookie that the proxy sets. Unset: none.'),
  })
  .superRefine((source, context) => {
    const report = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
    if (source.type === 'SourceAddress') {
      if (source.name !== undefined) report('name', 'must not be set for SourceAddress|Remove it');
    } else if (source.name === undefined) report('name', `is required for ${source.type}`);
    else if (source.type !== 'QueryParameter' && !TOKEN.test(source.name)) {
      report('name', "must be a token of RFC 9110: letters, digits and !#$%&'*+-.^_`|~");
    }
    for (const field of ['ttl', 'path'] as const) {
      if (source.type !== 'Cookie' && source[field] !== undefined) report(field, 'is for type Cookie only|Remove it');
    }
    if (source.path !== undefined && source.ttl === undefined) {
      report('path', 'needs ttl: without one the proxy sets no cookie|Add ttl: 0s for a session cookie');
    }
  });

const slowStart = z.strictObject({
  window: durationBetween('1s', '1h', 'For how long a new endpoint gets less than its share.'),
  aggression: z
    .number()
    .min(0.1)
    .max(10)
    .optional()
    .describe('1: the share grows evenly; above, fast at first. Unset: 1.'),
  minimumWeightPercent: z
    .int()
    .min(1)
    .max(100)
    .optional()
    .describe('The share at the beginning, in per cent of the full one. Unset: 10.'),
});

export const loadBalancing = z
  .strictObject({
    algorithm: z
      .enum(['RoundRobin', 'LeastRequest', 'Random', 'PeakEwma', 'RingHash', 'Maglev'])
      .describe('Unset section: LeastRequest.'),
    leastRequest: z
      .strictObject({
        choices: z
          .int()
          .min(2)
          .max(64)
          .optional()
          .describe('How many endpoints are drawn, of which the one with the fewest requests is taken. Unset: 2.'),
      })
      .optional()
      .describe('For LeastRequest only.'),
    peakEwma: z
      .strictObject({
        decay: durationBetween(
          '100ms',
          '10m',
          'The window over which a measured latency loses its weight. Unset: 10s.',
        ).optional(),
      })
      .optional()
      .describe('For PeakEwma only. Envoy takes LeastRequest instead.'),
    ringHash: z
      .strictObject({
        minimumSize: z.int().min(1).max(MAX_RING).optional().describe('Entries on the ring at least. Unset: 1024.'),
        maximumSize: z
          .int()
          .min(1)
          .max(MAX_RING)
          .optional()
          .describe(`Entries on the ring at most. Unset: ${MAX_RING}.`),
      })
      .superRefine(({ minimumSize = 1024, maximumSize }, context) => {
        if (maximumSize === undefined || minimumSize <= maximumSize) return;
        context.addIssue({
          code: 'custom',
          path: ['maximumSize'],
          message: `must be at least minimumSize, ${minimumSize}`,
        });
      })
      .optional()
      .describe('For RingHash only.'),
    maglev: z
      .strictObject({
        tableSize: z
          .int()
          .min(2)
          .max(MAX_TABLE)
          .refine(isPrime, { error: `must be a prime number|For example 65537; the largest is ${MAX_TABLE}` })
          .optional()
          .describe('Entries of the table, a prime number; well above 100 times the endpoints. Unset: 65537.'),
      })
      .optional()
      .describe('For Maglev only.'),
    hashOn: z
      .array(hashSource)
      .min(1)
      .max(4)
      .optional()
      .describe(
        'For RingHash and Maglev, which need it: the first that a request has decides. With none of them, any endpoint is taken. Unset: for the other algorithms.',
      ),
    slowStart: slowStart
      .optional()
      .describe('For RoundRobin, LeastRequest and PeakEwma. Unset: new endpoints get their full share at once.'),
  })
  .superRefine((section, context) => {
    const { algorithm } = section;
    const report = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
    const owners = {
      leastRequest: 'LeastRequest',
      peakEwma: 'PeakEwma',
      ringHash: 'RingHash',
      maglev: 'Maglev',
    } as const;
    for (const field of ['leastRequest', 'peakEwma', 'ringHash', 'maglev'] as const) {
      if (section[field] !== undefined && algorithm !== owners[field]) {
        report(field, `is for algorithm ${owners[field]}, and this is ${algorithm}|Remove it, or change algorithm`);
      }
    }
    const hashes = algorithm === 'RingHash' || algorithm === 'Maglev';
    if (hashes && section.hashOn === undefined) {
      report('hashOn', `is required for ${algorithm}|For example: hashOn: [{type: Header, name: x-user}]`);
    }
    if (!hashes && section.hashOn !== undefined) {
      report('hashOn', `is for RingHash and Maglev, and this is ${algorithm}|Remove it, or change algorithm`);
    }
    if (section.slowStart !== undefined && (hashes || algorithm === 'Random')) {
      report('slowStart', `has no effect with ${algorithm}|Remove it, or take RoundRobin, LeastRequest or PeakEwma`);
    }
  });
