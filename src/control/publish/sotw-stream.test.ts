import assert from 'node:assert/strict';
import test from 'node:test';
import type { Node } from '../../xds/tables/messages.gen.ts';
import { SOTW_ADS } from './methods.ts';
import { CDS, EDS, fixture, resource } from './publisher.fixture.ts';
import { dialRaw } from './raw-client.fixture.ts';

test('state of the world is served beside delta: answered, acknowledged, pushed, listed', () => {
  const { publisher, views } = fixture();
  const { received, ask } = dialRaw(publisher, SOTW_ADS.path);
  ask({ typeUrl: EDS, names: ['catalog'] });
  assert.deepEqual(received[0]?.names, ['1']);
  ask({ typeUrl: EDS, names: ['catalog'], nonce: received[0]?.nonce ?? '' });
  const [status] = publisher.proxies();
  assert.equal(status?.types[0]?.acked.get('catalog'), resource(EDS, 'catalog', '1').version);
  views.set('shop/web-1', 'endpoints', resource(EDS, 'catalog', '2'));
  publisher.flush();
  assert.deepEqual(received[1]?.names, ['2']);
});

test('a gRPC client is known by its kind or by the name of its program, and has no legacy wildcard', () => {
  const cases: readonly [Partial<Node>, number][] = [
    [{ metadata: { kind: 'grpc' } }, 0],
    [{ userAgentName: 'gRPC Go' }, 0],
    [{ userAgentName: 'envoy', metadata: { kind: 'envoy' } }, 1],
  ];
  for (const [node, answers] of cases) {
    const { publisher } = fixture();
    const { received, ask } = dialRaw(publisher, SOTW_ADS.path, { node });
    ask({ typeUrl: CDS });
    assert.equal(received.length, answers, JSON.stringify(node));
  }
});

test('the record of a workload says what kind it is, whatever the node says', () => {
  const { publisher } = fixture({ recordedKind: (id) => (id === 'shop/web-1' ? 'envoy' : '') });
  const { ask } = dialRaw(publisher, SOTW_ADS.path, { node: { metadata: { kind: 'grpc' } } });
  ask({ typeUrl: CDS });
  assert.equal(publisher.proxy('shop/web-1')?.node.kind, 'envoy');
});
