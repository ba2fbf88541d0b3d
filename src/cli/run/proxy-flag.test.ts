/** The proxy flag: what it writes into the record, and what it refuses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../exit-codes.ts';
import { parseProxy } from './proxy-flag.ts';

test('each word is the kind that the record names; nothing else is taken for one', () => {
  assert.deepEqual(['weft', 'envoy', 'none'].map(parseProxy), ['weft', 'envoy', 'grpc']);
  for (const word of ['', 'Envoy', 'grpc', 'constructor']) assert.throws(() => parseProxy(word), UsageError);
});
