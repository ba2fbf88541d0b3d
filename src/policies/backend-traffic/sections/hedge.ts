/** `hedge`: a second try beside a slow first one; whichever answers first is taken. */
import { z } from 'zod';
import { durationBetween } from '../../../api/fields.ts';

export const hedge = z.strictObject({
  after: durationBetween(
    '1ms',
    '1h',
    'Without a response head by then, another try begins and the first goes on; it takes the place of timeouts.perTry. As many as retry.attempts, for idempotent requests only, unless retry.methods is All.',
  ),
  initialRequests: z.int().min(1).max(3).optional().describe('Tries that begin at once. Envoy begins one. Unset: 1.'),
});
