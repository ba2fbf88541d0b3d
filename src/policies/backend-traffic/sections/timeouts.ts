/** `timeouts`: how long a request may take. The `timeouts` of an HTTPRoute's rule come first, each by itself. */
import { z } from 'zod';
import { parseGatewayDuration } from '../../../core/durations.ts';
import { durationBetween } from '../../../api/fields.ts';

const upToADay = durationBetween('0s', '24h');

export const timeouts = z
  .strictObject({
    request: upToADay
      .optional()
      .describe('From the whole request to the end of the response, retries included. 0s: no limit. Unset: 0s.'),
    perTry: upToADay
      .optional()
      .describe('One try, of which there may be several; at most request. 0s: no limit of its own. Unset: 0s.'),
    streamIdle: upToADay.optional().describe('Without a byte in either direction. 0s: no limit. Unset: 5m.'),
    maxDuration: upToADay
      .optional()
      .describe(
        'From the first byte of the request to the last of the response, tunnels and streams included. 0s: no limit. Unset: 0s.',
      ),
  })
  .superRefine(({ request, perTry }, context) => {
    const limitMs = parseGatewayDuration(request ?? '') ?? 0;
    const tryMs = parseGatewayDuration(perTry ?? '') ?? 0;
    if (limitMs > 0 && tryMs > limitMs) {
      const message = `must be at most request, ${request}|A try never lasts longer than its request`;
      context.addIssue({ code: 'custom', path: ['perTry'], message });
    }
  });
