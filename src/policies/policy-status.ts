/** The status of policies that attach by `targetRefs`: the Gateway API's PolicyStatus (GEP-713), one ancestor for each. */
import { z } from 'zod';
import { condition } from '../api/fields.ts';

export const policyStatus = z.looseObject({
  ancestors: z
    .array(
      z.looseObject({
        ancestorRef: z.looseObject({}),
        controllerName: z.string(),
        conditions: z.array(condition).max(16).optional(),
      }),
    )
    .max(32)
    .optional(),
});
