/** Our JSON of xDS against protobuf-es, over every golden: what one writes, the other reads, in both directions. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { test } from 'node:test';
import * as es from '@bufbuild/protobuf';
import { envoyTypes } from '../../src/protos/registry.ts';
import { shortTypeName, TYPE_URLS } from '../../src/xds/resource.ts';
import { anyTable } from '../../src/xds/tables/any-tables.ts';
import * as tables from '../../src/xds/tables/tables.gen.ts';
import { fromJson, type JsonProblem } from '../../src/xds/wire/decode-json.ts';
import { anyToJson } from '../../src/xds/wire/encode-json.ts';
import { encode } from '../../src/xds/wire/encode.ts';
import { protoName } from '../../src/xds/wire/field-name.ts';
import type { JsonValue } from '../../src/xds/wire/json.ts';
import { Table } from '../../src/xds/wire/table.ts';

const GOLDENS = resolve(import.meta.dirname, '../../src/control/generate/goldens');
const options = { registry: envoyTypes };

for (const file of globSync(`${GOLDENS}/*.json`).toSorted()) {
  const golden = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Record<string, Record<string, es.JsonValue>>>;
  test(basename(file, '.json'), () => {
    for (const view of Object.values(golden)) {
      for (const type of Object.values(TYPE_URLS)) {
        const schema = envoyTypes.getMessage(type.slice(type.indexOf('/') + 1));
        const table = anyTable(type) as Table<object> | undefined;
        assert.ok(schema !== undefined && table !== undefined, type);
        for (const json of Object.values(view[shortTypeName(type)] ?? {})) {
          const theirs = es.fromJson(schema, json, options);
          const problems: JsonProblem[] = [];
          const ours: object = fromJson(table, json as JsonValue, {
            anyTables: anyTable,
            onProblem: (problem) => problems.push(problem),
          });
          assert.deepEqual(
            problems.filter(({ kind }) => kind === 'invalid'),
            [],
          );
          // A field that only other proxies need does not come through.
          if (problems.length > 0) continue;
          assert.deepEqual(es.toJson(schema, es.fromBinary(schema, encode(table, ours)), options), json);
          const { '@type': _type, ...written } = anyToJson(type, es.toBinary(schema, theirs), anyTable);
          assert.deepEqual(es.toJson(schema, es.fromJson(schema, written as es.JsonValue, options), options), json);
        }
      }
    }
  });
}

test('every field has the name that it has in the .proto', () => {
  for (const table of Object.values(tables)) {
    if (!(table instanceof Table)) continue;
    const schema = envoyTypes.getMessage(table.name);
    const names = new Map(schema?.fields.map(({ number, name }) => [number, name]));
    for (const { number, name } of table.fields) {
      if (names.has(number)) assert.equal(protoName(name), names.get(number), table.name);
    }
  }
});
