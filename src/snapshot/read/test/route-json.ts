/** Route tables for tests of what is read of them: from the JSON that Envoy's documentation shows. */
import assert from 'node:assert/strict';
import { isWeftError } from '../../../core/errors.ts';
import type { FilterModules } from '../http-filters.ts';
import { anyTable } from '../../../xds/tables/any-tables.ts';
import { RouteConfigurationTable } from '../../../xds/tables/tables.gen.ts';
import { fromJson } from '../../../xds/wire/decode-json.ts';
import type { ForwardAction, RouteEntry, RouteTable } from '../../route-table.ts';
import { readRouteConfiguration } from '../read-routes.ts';

type Json = { readonly [name: string]: unknown };

const NO_MODULES: FilterModules = new Map();

export function tableFrom(table: Json, modules: FilterModules = NO_MODULES): RouteTable {
  const options = { anyTables: anyTable, onProblem: (problem: unknown) => assert.fail(JSON.stringify(problem)) };
  const message = fromJson(RouteConfigurationTable, table as Parameters<typeof fromJson>[1], options);
  return readRouteConfiguration('', message, modules);
}

/** The one route of a table. */
export function entryFrom(route: Json, host: Json = {}, table: Json = {}, modules = NO_MODULES): RouteEntry {
  const whole = { match: { prefix: '/' }, ...route };
  const hosts = [{ name: 'all', domains: ['*'], routes: [whole], ...host }];
  const [entry] = tableFrom({ name: 'table', virtual_hosts: hosts, ...table }, modules).entries;
  assert.ok(entry !== undefined);
  return entry;
}

/** `action` is merged into one that leads to the cluster `app`. */
export function forwardFrom(action: Json, host: Json = {}, table: Json = {}): ForwardAction {
  const read = entryFrom({ route: { cluster: 'app', ...action } }, host, table).action;
  assert.ok(read.kind === 'forward');
  return read;
}

/** Where, in the spelling of the .proto, and why it was refused. */
export function refusal(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    assert.ok(isWeftError(error));
    return error.message;
  }
  return assert.fail('it was not refused');
}
