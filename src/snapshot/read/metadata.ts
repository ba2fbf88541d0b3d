/** What Weft's control plane says of a resource besides its meaning: xDS metadata that Envoy carries along unread. */
import type { ShownMetadata } from '../format/facts.ts';
import type { Metadata } from '../../xds/tables/messages.gen.ts';

const WEFT = 'weft.mesh';
/** Chooses a cluster's transport by endpoint (Envoy: `transport_socket_matches`). */
const TRANSPORT = 'envoy.transport_socket_match';
/** Of hosts and of what routes ask of them. */
const HOST = 'envoy.lb';

/** Empty when it is not said. */
export function weftText(metadata: Metadata | undefined, key: string): string {
  const value = metadata?.filterMetadata.get(WEFT)?.[key];
  return typeof value === 'string' ? value : '';
}

/** Undefined when it is not said, or no number. */
export function weftNumber(metadata: Metadata | undefined, key: string): number | undefined {
  const value = metadata?.filterMetadata.get(WEFT)?.[key];
  return typeof value === 'number' ? value : undefined;
}

/** Without what Weft says of its own resources, which each of a mesh has: nobody shows it. */
export function shownMetadata(metadata: Metadata | undefined): ShownMetadata | undefined {
  if (metadata === undefined) return undefined;
  const shown = new Map(metadata.filterMetadata);
  shown.delete(WEFT);
  return shown.size === 0 ? undefined : shown;
}

export function transportLabels(metadata: Metadata | undefined): Readonly<Record<string, string>> {
  return textFields(metadata?.filterMetadata.get(TRANSPORT) ?? {});
}

/** Shared by all that say nothing. */
const NO_LABELS: Readonly<Record<string, unknown>> = {};

export function hostLabels(metadata: Metadata | undefined): Readonly<Record<string, unknown>> {
  return metadata?.filterMetadata.get(HOST) ?? NO_LABELS;
}

/** What a route asks of its hosts; null: nothing. */
export function metadataMatch(metadata: Metadata | undefined): Readonly<Record<string, unknown>> | null {
  return metadata?.filterMetadata.get(HOST) ?? null;
}

/** Fields whose value is no text are left out: a label compares texts. */
export function textFields(object: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const labels: Record<string, string> = Object.create(null);
  for (const [key, value] of Object.entries(object)) if (typeof value === 'string') labels[key] = value;
  return labels;
}
