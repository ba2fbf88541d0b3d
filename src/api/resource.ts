/**
 * The shape of everything a user writes: the Kubernetes object, with the place it came from. It stands in `api/`,
 * without schemas, so that clients can name it without loading validation.
 */

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly managedFields?: readonly unknown[];
}

export interface Resource<Spec = unknown, Status = unknown> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec?: Spec;
  readonly status?: Status;
}

/** Names one object. `namespace` is empty for kinds without one. */
export interface Key {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** Where a thing was written, so that a NACK or a denial leads back to it. */
export interface Origin {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Path in the object, such as `spec.rules[0].backendRefs[1]`; empty for the whole. */
  readonly path: string;
  /** `file:line` when the object was applied from a file, else empty. */
  readonly file: string;
}

export function keyText(key: Key): string {
  return `${key.kind}/${key.namespace}/${key.name}`;
}

export function keyOf(resource: Resource): Key {
  return { kind: resource.kind, namespace: resource.metadata.namespace ?? '', name: resource.metadata.name };
}
