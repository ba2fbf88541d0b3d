/** `timeouts`: how long a request may take. The `timeouts` of an HTTPRoute's rule come first, each by itself. */
import { z } from 'zod';
import { parseGatewayDuration } from '../../../core/durations.ts';
import { durationBetween } from '../../../api/fields.ts';

const upToADay = (meaning: string) => durationBetween('0s', '24h', meaning);

export const timeouts = z
  .strictObject({
    request: upToADay(
      'From the whole request to the end of the response, retries included. 0s: no limit. Unset: 0s.',
    ).optional(),
    perTry: upToADay(
      'One try, of which there may be several; at most request. 0s: no limit of its own. Unset: 0s.',
    ).optional(),
    streamIdle: upToADay('Without a byte in either direction. 0s: no limit. Unset: 1h.').optional(),
    maxDuration: upToADay(
      'From the first byte of the request to the last of the response, tunnels and streams included. 0s: no limit. Unset: 0s.',
    ).optional(),
  })
  .superRefine(({ request, perTry }, context) => {
    const limitMs = parseGatewayDuration(request ?? '') ?? 0;
    const tryMs = parseGatewayDuration(perTry ?? '') ?? 0;
    if (limitMs > 0 && tryMs > limitMs) {
      const message = `must be at most request, ${request}|A try never lasts longer than its request`;
      context.addIssue({ code: 'custom', path: ['perTry'], message });
    }
  });
