/** The proxy flag: what it writes into the record, and what it refuses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../exit-codes.ts';
import { type DataPlaneFlags, parseProxy, refuseIdleFlags } from './proxy-flag.ts';

test('each word is the kind that the record names; nothing else is taken for one', () => {
  assert.deepEqual(['weft', 'envoy', 'none'].map(parseProxy), ['weft', 'envoy', 'grpc']);
  for (const word of ['', 'Envoy', 'grpc', 'constructor']) assert.throws(() => parseProxy(word), UsageError);
});

test('a flag that would do nothing under this data plane is refused, with the one that it goes with', () => {
  const refused = (kind: 'weft' | 'envoy' | 'grpc', flags: DataPlaneFlags): string => {
    try {
      refuseIdleFlags(kind, flags);
      return '';
    } catch (error) {
      assert.ok(error instanceof UsageError);
      return `${error.message}: ${error.hint}`;
    }
  };
  for (const kind of ['weft', 'grpc'] as const) {
    assert.match(refused(kind, { externalEnvoy: true }), /--external-envoy .*--proxy envoy/);
    assert.match(refused(kind, { envoyPath: '/x' }), /--envoy-path .*--proxy envoy/);
  }
  assert.match(refused('envoy', { envoyPath: '/x', externalEnvoy: true }), /somebody else/);
  assert.match(refused('envoy', { xdsAt: 'unix' }), /--xds-at .*--proxy none/);
  assert.match(refused('grpc', { accessLog: '-' }), /--access-log .*no proxy/);
  const fits: [Parameters<typeof refused>[0], DataPlaneFlags][] = [
    ['weft', { accessLog: '-' }],
    ['envoy', { envoyPath: '/x', accessLog: '-' }],
    ['envoy', { externalEnvoy: true }],
    ['grpc', { xdsAt: 'loopback' }],
  ];
  for (const [kind, flags] of fits) assert.equal(refused(kind, flags), '');
});
