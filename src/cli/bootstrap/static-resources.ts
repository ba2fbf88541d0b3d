/** The resources that stand in a bootstrap, in the form in which others arrive over xDS. */
import type { ReceivedResource } from '../../xds/client/received.ts';
import { TYPE_URLS, type TypeUrl } from '../../xds/resource.ts';
import type { Bootstrap, Cluster, Listener, Secret } from '../../xds/tables/messages.gen.ts';
import { ClusterTable, ListenerTable, SecretTable } from '../../xds/tables/tables.gen.ts';
import { encode } from '../../xds/wire/encode.ts';
import type { JsonValue } from '../../xds/wire/json.ts';
import type { Table } from '../../xds/wire/table.ts';

export interface StaticResource {
  readonly resource: ReceivedResource;
  /** Where it stands in the file. */
  readonly path: readonly (string | number)[];
}

/** Secrets and clusters come before the listeners that name them. */
export function staticResources({ staticResources: all }: Bootstrap, document: JsonValue): readonly StaticResource[] {
  const spelt = document !== null && typeof document === 'object' && 'staticResources' in document;
  const root = spelt ? 'staticResources' : 'static_resources';
  const placed = <T extends { readonly name: string }>(
    type: TypeUrl,
    table: Table<T>,
    field: string,
    messages: readonly T[],
  ): readonly StaticResource[] =>
    messages.map((message, i) => ({
      resource: { type, name: message.name, version: '', bytes: encode(table as Table<T & object>, message) },
      path: [root, field, i],
    }));
  const listeners = (all?.listeners ?? []).map(named);
  return [
    ...placed<Secret>(TYPE_URLS.secret, SecretTable, 'secrets', all?.secrets ?? []),
    ...placed<Cluster>(TYPE_URLS.cluster, ClusterTable, 'clusters', all?.clusters ?? []),
    ...placed<Listener>(TYPE_URLS.listener, ListenerTable, 'listeners', listeners),
  ];
}

/** A static listener may have no name; by its place it has one that stays from start to start. */
function named(listener: Listener, index: number): Listener {
  return listener.name === '' ? { ...listener, name: `static-${index}` } : listener;
}
