import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HttpProtocolOptions } from '../../xds/tables/messages.gen.ts';
import * as t from '../../xds/tables/tables.gen.ts';
import { encode } from '../../xds/wire/encode.ts';
import { create } from '../../xds/wire/table.ts';
import { ROUTER } from '../sample-resources.ts';
import { readHttpManager } from './http-manager.ts';

const read = (common: Partial<HttpProtocolOptions> | null) =>
  readHttpManager(
    encode(
      t.HttpConnectionManagerTable,
      create(t.HttpConnectionManagerTable, {
        routeSpecifier: { case: 'routeConfig', value: create(t.RouteConfigurationTable, { name: 'r' }) },
        httpFilters: [ROUTER],
        ...(common === null ? {} : { commonHttpProtocolOptions: create(t.HttpProtocolOptionsTable, common) }),
      }),
    ),
    new Map(),
  );

test('how long connections and streams live, and how much a connection carries, is read; unset bounds nothing', () => {
  const said = read({ maxConnectionDuration: 60_000, maxStreamDuration: 5_000, maxRequestsPerConnection: 7 });
  const life = (manager: ReturnType<typeof read>) => [
    manager.maxConnectionDurationMs,
    manager.maxStreamDurationMs,
    manager.maxRequestsPerConnection,
  ];
  assert.deepEqual(life(said), [60_000, 5_000, 7]);
  assert.deepEqual(life(read(null)), [0, 0, 0]);
});
