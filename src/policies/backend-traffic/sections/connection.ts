/** `connection`: how connections to a service are made, kept and shared. */
import { z } from 'zod';
import { durationBetween } from '../../../api/fields.ts';

/** RFC 9113 section 6.9.1. */
const MAX_WINDOW = 2_147_483_647;
const MIN_WINDOW = 65_535;

const bytes = z.int().min(MIN_WINDOW).max(MAX_WINDOW);

const http2 = z
  .strictObject({
    maxConcurrentStreams: z
      .int()
      .min(1)
      .max(100_000)
      .optional()
      .describe('Requests on one connection; when they run out, another is opened. Unset: 1024.'),
    streamWindowBytes: bytes.optional().describe('What an endpoint may send ahead on one stream. Unset: 65536.'),
    connectionWindowBytes: bytes.optional().describe('The same for all streams of a connection. Unset: 16777216.'),
    keepAlive: z
      .strictObject({
        interval: durationBetween('1s', '24h', 'Between two PINGs.'),
        timeout: durationBetween(
          '100ms',
          '1h',
          'For the answer; then the connection is closed. Unset: 10s.',
        ).optional(),
      })
      .optional()
      .describe('Unset: every 30s.'),
  })
  .superRefine((section, context) => {
    const [stream, whole] = [section.streamWindowBytes ?? 65_536, section.connectionWindowBytes ?? 16_777_216];
    if (whole >= stream) return;
    context.addIssue({
      code: 'custom',
      path: ['connectionWindowBytes'],
      message: `must be at least streamWindowBytes, ${stream}|A stream could never use its window`,
    });
  });

export const connection = z.strictObject({
  connectTimeout: durationBetween('1ms', '10m', 'Until a connection is open, TLS included. Unset: 5s.').optional(),
  idleTimeout: durationBetween(
    '0s',
    '24h',
    'After which a connection without requests is closed; less than the server waits. 0s: never. Unset: 15s.',
  ).optional(),
  maxRequests: z
    .int()
    .min(0)
    .max(1_000_000_000)
    .optional()
    .describe('On one connection, before it is replaced. 0: no limit. Unset: 0.'),
  maxAge: durationBetween(
    '0s',
    '24h',
    'At which a connection is replaced, when what it carries has ended. 0s: never. Unset: 0s.',
  ).optional(),
  http2: http2.optional().describe('Of connections that carry HTTP/2: all between sidecars.'),
});
