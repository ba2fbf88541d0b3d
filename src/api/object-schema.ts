/** The schema of a whole object of a kind: the Kubernetes envelope around the kind's own spec and status. */
import { z } from 'zod';
import { annotations, labels, objectName } from './fields.ts';
import { apiVersionOf, type Kind } from './kind.ts';

const cache = new WeakMap<Kind, z.ZodObject>();

export function objectSchema(kind: Kind): z.ZodObject {
  const known = cache.get(kind);
  if (known !== undefined) return known;
  const schema = z.strictObject({
    apiVersion: z.literal(apiVersionOf(kind)),
    kind: z.literal(kind.kind),
    metadata: metadata(kind),
    spec: kind.specRequired ? kind.spec : kind.spec.optional(),
    status: kind.status.optional(),
  });
  cache.set(kind, schema);
  return schema;
}

/** metav1.ObjectMeta: the fields that a server fills are accepted, because people apply what they exported. */
function metadata(kind: Kind) {
  return z.strictObject({
    name: objectName(kind.nameRule),
    namespace: kind.namespaced
      ? objectName('label')
      : z.never({ error: `must not be set: a ${kind.kind} has no namespace|Remove it` }).optional(),
    labels: labels.optional(),
    annotations: annotations.optional(),
    uid: z.string().max(128).optional(),
    resourceVersion: z.string().max(64).optional(),
    generation: z.int().min(0).optional(),
    creationTimestamp: z.string().max(64).optional(),
    deletionTimestamp: z.string().max(64).optional(),
    deletionGracePeriodSeconds: z.int().optional(),
    generateName: z.string().max(253).optional(),
    selfLink: z.string().max(1024).optional(),
    finalizers: z.array(z.string().max(253)).max(64).optional(),
    ownerReferences: z.array(z.looseObject({})).max(64).optional(),
    managedFields: z.array(z.looseObject({})).max(256).optional(),
  });
}
