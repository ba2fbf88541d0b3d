/** Schema pieces that several kinds share: names, ports, durations, labels, conditions. */
import { z } from 'zod';
import { parseGatewayDuration } from '../core/durations.ts';
import {
  isQualifiedKey,
  LABEL_VALUE,
  NAME_RULES,
  type NameRule,
  obeys,
  PORT_NAME,
  QUALIFIED_KEY_WORDS,
  type TextRule,
} from './names.ts';
import { editDistance } from './suggest.ts';

export function text(rule: TextRule) {
  return z.string().refine((value) => obeys(rule, value), { error: `must be ${rule.words}` });
}

export function objectName(rule: NameRule) {
  return text(NAME_RULES[rule]);
}

export const portNumber = z.int().min(1).max(65_535);
export const portName = text(PORT_NAME);

/** A port by number or by the name that the workload gives it. */
export const portReference = z.union([portNumber, portName], {
  error: 'must be a port number from 1 to 65535 or a port name',
});

export const labels = z.record(z.string(), text(LABEL_VALUE)).check(keysObey((key) => isQualifiedKey(key)));

export const annotations = z.record(z.string(), z.string()).check(keysObey((key) => isQualifiedKey(key)));

function keysObey(obeysRule: (key: string) => boolean) {
  return z.superRefine<Record<string, string>>((map, context) => {
    for (const key of Object.keys(map)) {
      if (!obeysRule(key))
        context.addIssue({ code: 'custom', path: [key], message: `must have a key of ${QUALIFIED_KEY_WORDS}` });
    }
  });
}

/** GEP-2257: up to four numbers with h, m, s or ms, such as `1m30s`; `0s` is zero. */
export const duration = z.string().refine((value) => parseGatewayDuration(value) !== null, {
  error: 'must be a duration such as "500ms", "10s" or "1m30s" (GEP-2257)',
});

/** A duration within bounds, both in the same form; a lower bound of `0s` means that zero is allowed. The bounds are added to `meaning`. */
export function durationBetween(least: string, most: string, meaning: string) {
  const [leastMs, mostMs] = [parseGatewayDuration(least) ?? 0, parseGatewayDuration(most) ?? 0];
  const bounded = duration.refine(
    (value) => {
      const ms = parseGatewayDuration(value);
      // What does not parse has its own violation.
      return ms === null || (ms >= leastMs && ms <= mostMs);
    },
    { error: `must be from ${least} to ${most}` },
  );
  return bounded.describe(`${meaning} From ${least} to ${most}.`);
}

/** A field name of HTTP: a token of RFC 9110 section 5.6.2. */
export const headerName = z
  .string()
  .max(256)
  .regex(/^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/, { error: 'must be a header name (RFC 9110 token)' });

/** A field of the standard that this version does not implement: naming it beats ignoring it. */
export function unsupported(hint: string) {
  return z.never({ error: `is not supported in this version of Weft|${hint}` }).optional();
}

/**
 * A map of Kubernetes' own: unknown fields are kept, because newer versions have more. A field one edit away from a
 * known one is refused as the typing mistake that it is. `alsoKnown`: fields that Weft keeps and does not read.
 */
export function kubernetesObject<Shape extends z.ZodRawShape>(shape: Shape, alsoKnown: readonly string[]) {
  const known = [...Object.keys(shape), ...alsoKnown];
  return z.looseObject(shape).superRefine((map, context) => {
    for (const key of Object.keys(map)) {
      if (known.includes(key)) continue;
      const near = known.find((name) => editDistance(name.toLowerCase(), key.toLowerCase()) <= 1);
      if (near === undefined) continue;
      context.addIssue({ code: 'custom', path: [key], message: `is not a field here|Did you mean "${near}"?` });
    }
  });
}

/** A Kubernetes condition (metav1.Condition). */
export const condition = z.looseObject({
  type: z.string(),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string(),
  message: z.string(),
  lastTransitionTime: z.string(),
  observedGeneration: z.int().optional(),
});

/** A message of a schema may carry a hint after the first `|`. */
export function splitHint(message: string): { message: string; hint: string } {
  const bar = message.indexOf('|');
  return bar === -1 ? { message, hint: '' } : { message: message.slice(0, bar), hint: message.slice(bar + 1) };
}
