import assert from 'node:assert/strict';
import { test } from 'node:test';
import type * as m from '../../xds/tables/messages.gen.ts';
import * as t from '../../xds/tables/tables.gen.ts';
import { create } from '../../xds/wire/table.ts';
import { any } from '../sample-resources.ts';
import { readRetryPolicy } from './retry-policy.ts';

const P = 'envoy.extensions.retry.';

const read = (parts: Partial<m.RetryPolicy>) => readRetryPolicy('retry_policy', create(t.RetryPolicyTable, parts));
const plugin = (value: m.Any) => ({ name: 'x', configType: { case: 'typedConfig' as const, value } });
const predicate = (value: m.Any) => read({ retryHostPredicate: [plugin(value)] }).omits;
const metadata = (fields: Readonly<Record<string, string>>) => {
  const metadataMatch = create(t.MetadataTable, { filterMetadata: new Map([['envoy.lb', fields]]) });
  const table = t.OmitHostMetadataConfigTable;
  return predicate(
    any(`${P}host.omit_host_metadata.v3.OmitHostMetadataConfig`, table, create(table, { metadataMatch })),
  );
};
const frequency = (updateFrequency: number) => {
  const table = t.PreviousPrioritiesConfigTable;
  const name = `${P}priority.previous_priorities.v3.PreviousPrioritiesConfig`;
  return read({ retryPriority: plugin(any(name, table, create(table, { updateFrequency }))) }).leavesPrioritiesAfter;
};

test('whom retries leave out', () => {
  assert.deepEqual(read({}).omits, []);
  assert.deepEqual(
    predicate(any(`${P}host.previous_hosts.v3.PreviousHostsPredicate`, t.PreviousHostsPredicateTable, {})),
    [],
  );
  assert.deepEqual(
    predicate(any(`${P}host.omit_canary_hosts.v3.OmitCanaryHostsPredicate`, t.OmitCanaryHostsPredicateTable, {})),
    [[{ key: 'canary', value: 'true' }]],
  );
  assert.deepEqual(metadata({ zone: 'a' }), [[{ key: 'zone', value: '"a"' }]]);
  assert.deepEqual(metadata({}), [], 'nothing said would be said of every host');
});

test('how often retries leave priorities', () => {
  assert.equal(read({}).leavesPrioritiesAfter, 0);
  assert.equal(frequency(2), 2);
  assert.throws(() => frequency(0), /retry_policy.retry_priority.*update_frequency/);
});

test('plug-ins that are not there are refused by their place', () => {
  const unknown: m.Any = { typeUrl: 'type.googleapis.com/test.Plugin', value: new Uint8Array(0) };
  assert.throws(() => predicate(unknown), /test.Plugin \(retry_policy.retry_host_predicate\[0\]/);
  assert.throws(() => read({ retryPriority: plugin(unknown) }), /test.Plugin \(retry_policy.retry_priority/);
});
