/** `healthCheck`: every proxy that uses a service asks its endpoints whether they are well. */
import { z } from 'zod';
import { parseGatewayDuration } from '../../../core/durations.ts';
import { durationBetween } from '../../../api/fields.ts';

const status = z.int().min(100).max(599);

const http = z.strictObject({
  path: z
    .string()
    .max(1024)
    .regex(/^\/[\x21-\x7e]*$/, { error: 'must begin with "/" and have no spaces' })
    .describe('What is asked for.'),
  method: z.enum(['GET', 'HEAD', 'OPTIONS']).optional().describe('Unset: GET.'),
  host: z
    .string()
    .min(1)
    .max(253)
    .regex(/^[\x21-\x7e]+$/, { error: 'must have no spaces' })
    .optional()
    .describe('The Host field. Unset: the name of the Service, `catalog.shop`.'),
  expectedStatuses: z
    .array(
      z
        .strictObject({ from: status.describe('The first.'), to: status.describe('The last.') })
        .refine(({ from, to }) => from <= to, { error: 'must have from that is at most to' }),
    )
    .min(1)
    .max(16)
    .optional()
    .describe('Any of these is healthy. Unset: 200.'),
});

const grpc = z.strictObject({
  service: z
    .string()
    .max(256)
    .optional()
    .describe('Of grpc.health.v1.HealthCheckRequest. Unset: the server as a whole.'),
});

const bytes = z.string().min(1).max(1024);

const tcp = z.strictObject({
  send: bytes.optional().describe('Text that is sent; for ports of TCP. Unset: a connection that opens is enough.'),
  receive: z
    .array(bytes)
    .min(1)
    .max(8)
    .optional()
    .describe('Texts that the answer has, in this order. Unset: any answer is.'),
});

export const healthCheck = z
  .strictObject({
    http: http.optional().describe('A request. One of http, grpc and tcp is required.'),
    grpc: grpc.optional().describe('grpc.health.v1.Health/Check; for ports of HTTP/2.'),
    tcp: tcp.optional().describe('A connection: by itself it says that the sidecar is there, not more.'),
    interval: durationBetween('100ms', '1h', 'Between two checks. Unset: 10s.').optional(),
    idleInterval: durationBetween(
      '100ms',
      '24h',
      'The same, while the proxy has not sent the service anything yet. Unset: 60s.',
    ).optional(),
    timeout: durationBetween('10ms', '1m', 'For one check. Unset: 1s.').optional(),
    unhealthyThreshold: z.int().min(1).max(100).optional().describe('Failures in a row that make unhealthy. Unset: 3.'),
    healthyThreshold: z
      .int()
      .min(1)
      .max(100)
      .optional()
      .describe('Successes in a row that make healthy again. Unset: 2.'),
  })
  .superRefine((section, context) => {
    const report = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    const kinds = (['http', 'grpc', 'tcp'] as const).filter((kind) => section[kind] !== undefined);
    if (kinds.length !== 1) {
      report(
        [],
        `must have exactly one of http, grpc and tcp, has ${kinds.length === 0 ? 'none' : kinds.join(' and ')}|For example: http: {path: /healthz}`,
      );
    }
    const intervalMs = parseGatewayDuration(section.interval ?? '10s') ?? 0;
    const timeoutMs = parseGatewayDuration(section.timeout ?? '1s') ?? 0;
    if (timeoutMs > intervalMs)
      report(['timeout'], `must be at most interval, ${section.interval ?? '10s'}|Unset it is 1s`);
    if (section.tcp?.receive !== undefined && section.tcp.send === undefined) {
      report(
        ['tcp', 'send'],
        'is required with receive|An endpoint that speaks first is healthy when it takes the connection',
      );
    }
  });
