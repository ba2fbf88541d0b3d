/** The tables of what an Any may carry, by type URL: every message that is decoded by itself has one. */
import type { Table } from '../wire/table.ts';
import * as tables from './tables.gen.ts';

const PREFIX = 'type.googleapis.com/';

let byName: ReadonlyMap<string, Table> | null = null;

/** Undefined: nothing in this proxy reads it. */
export function anyTable(typeUrl: string): Table | undefined {
  if (!typeUrl.startsWith(PREFIX)) return undefined;
  byName ??= new Map(Object.values(tables).map((table): [string, Table] => [table.name, table]));
  return byName.get(typeUrl.slice(PREFIX.length));
}
