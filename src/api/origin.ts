/** Where a resource was written: `weft apply` notes file and line on it, and every XdsResource made from it carries them. */
import type { Origin, Resource } from './resource.ts';

/** Holds `file:line`. */
export const SOURCE_ANNOTATION = 'weft.mesh/source';

/** `path` such as `spec.rules[0]`; empty for the whole object. */
export function originOf(resource: Resource, path = ''): Origin {
  const { name, namespace = '', annotations } = resource.metadata;
  return { kind: resource.kind, namespace, name, path, file: annotations?.[SOURCE_ANNOTATION] ?? '' };
}

/** The same resource with the place it was read from. */
export function withSource<R extends Resource>(resource: R, file: string, line: number): R {
  const { metadata } = resource;
  const annotations = { ...metadata.annotations, [SOURCE_ANNOTATION]: `${file}:${line}` };
  return { ...resource, metadata: { ...metadata, annotations } };
}
