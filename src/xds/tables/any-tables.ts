/** The tables of what an Any may carry, by type URL: every message that is decoded by itself has one. */
import type { Table } from '../wire/table.ts';
import * as tables from './tables.gen.ts';

let byName: ReadonlyMap<string, Table> | null = null;

/** By what follows the last slash, whatever the host before it is. Undefined: nothing in this proxy reads it. */
export function anyTable(typeUrl: string): Table | undefined {
  const slash = typeUrl.lastIndexOf('/');
  if (slash < 1) return undefined;
  byName ??= new Map(Object.values(tables).map((table): [string, Table] => [table.name, table]));
  return byName.get(typeUrl.slice(slash + 1));
}
