/** Which of two policies comes first where both could decide: the older, then the name that sorts first. */
import type { Resource } from '../api/resource.ts';

export function byAgeThenName(a: Resource, b: Resource): number {
  // RFC 3339 in UTC sorts as text. One that is not stored yet has no age: it is the youngest.
  return (
    byText(a.metadata.creationTimestamp ?? '~', b.metadata.creationTimestamp ?? '~') ||
    byText(a.metadata.name, b.metadata.name) ||
    byText(a.metadata.namespace ?? '', b.metadata.namespace ?? '')
  );
}

function byText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
