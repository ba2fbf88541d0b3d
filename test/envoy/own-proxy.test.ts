/** What Envoy takes, our own proxy takes as well: a golden with a field that it does not read fails here. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { test } from 'node:test';
import { fromJson, type JsonValue, toBinary } from '@bufbuild/protobuf';
import { FILTER_MODULES } from '../../src/filters/all.ts';
import { envoyTypes } from '../../src/protos/registry.ts';
import { applyDelta, EMPTY_SNAPSHOT } from '../../src/snapshot/apply.ts';
import { shortTypeName, TYPE_URLS } from '../../src/xds/resource.ts';

const GOLDENS = resolve(import.meta.dirname, '../../src/control/generate/goldens');
/** The roots in a golden are a word: real ones would change with every run. */
const READ = Object.values(TYPE_URLS).filter((type) => type !== TYPE_URLS.secret);

for (const file of globSync(`${GOLDENS}/*.json`).toSorted()) {
  const golden = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Record<string, Record<string, JsonValue>>>;
  for (const [node, view] of Object.entries(golden)) {
    // What is for Envoy alone is not sent to ours.
    if (JSON.stringify(view).includes('envoy.tracers.')) continue;
    test(`${basename(file, '.json')}: ${node}`, () => {
      const reasons: string[] = [];
      for (const type of READ) {
        const named = Object.entries(view[shortTypeName(type)] ?? {});
        if (named.length === 0) continue;
        const schema = envoyTypes.getMessage(type.slice(type.indexOf('/') + 1));
        assert.ok(schema, type);
        const changed = named.map(([name, json]) => ({
          type,
          name,
          version: '1',
          bytes: toBinary(schema, fromJson(schema, json, { registry: envoyTypes })),
        }));
        const { refused } = applyDelta(EMPTY_SNAPSHOT, { type, changed, removed: [] }, FILTER_MODULES);
        reasons.push(...refused.map(({ name, reason }) => `${name}: ${reason}`));
      }
      assert.deepEqual(reasons, []);
    });
  }
}
