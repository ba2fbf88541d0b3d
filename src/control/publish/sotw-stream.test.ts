import assert from 'node:assert/strict';
import test from 'node:test';
import type { RpcHandler, RpcStatus, RpcStream } from '../../core/runtime.ts';
import { DiscoveryRequestTable, DiscoveryResponseTable, NodeTable } from '../../xds/tables/tables.gen.ts';
import type { DiscoveryResponse, Node } from '../../xds/tables/messages.gen.ts';
import { decode } from '../../xds/wire/decode.ts';
import { encode } from '../../xds/wire/encode.ts';
import { create } from '../../xds/wire/table.ts';
import { SOTW_ADS } from './methods.ts';
import type { Publisher } from './publisher.ts';
import { CDS, EDS, fixture, peerOf, resource, WEB_ID } from './publisher.fixture.ts';

/** A state-of-the-world client of one node that acknowledges nothing by itself. */
function dial(publisher: Publisher, node: Partial<Node>) {
  const received: DiscoveryResponse[] = [];
  let ended: RpcStatus | null = null;
  const stream: RpcStream = {
    remote: { host: '127.0.0.1', port: 5000 },
    writable: true,
    send: (message) => received.push(decode(DiscoveryResponseTable, message)),
    end: (status) => {
      ended = status ?? null;
    },
    destroy() {},
    pause() {},
    resume() {},
  };
  const accepted = publisher.accept(stream, SOTW_ADS.path, peerOf('shop/web-1', WEB_ID));
  assert.ok(!('code' in accepted));
  const handler: RpcHandler = accepted;
  const ask = (typeUrl: string, resourceNames: readonly string[], responseNonce = ''): void => {
    const said = received.length === 0 ? create(NodeTable, { id: 'shop/web-1', ...node }) : undefined;
    const request = create(DiscoveryRequestTable, { typeUrl, resourceNames, responseNonce, node: said });
    handler.onMessage(encode(DiscoveryRequestTable, request));
  };
  return { received, ask, ended: () => ended };
}

test('state of the world is served beside delta: answered, acknowledged, pushed, listed', () => {
  const { publisher, views } = fixture();
  const { received, ask } = dial(publisher, {});
  ask(EDS, ['catalog']);
  assert.equal(new TextDecoder().decode(received[0]?.resources[0]?.value), '1');
  ask(EDS, ['catalog'], received[0]?.nonce);
  const [status] = publisher.proxies();
  assert.equal(status?.types[0]?.acked.get('catalog'), resource(EDS, 'catalog', '1').version);
  views.set('shop/web-1', 'endpoints', resource(EDS, 'catalog', '2'));
  publisher.flush();
  assert.equal(new TextDecoder().decode(received[1]?.resources[0]?.value), '2');
});

test('a gRPC client is known by its kind or by the name of its program, and has no legacy wildcard', () => {
  const cases: readonly [Partial<Node>, number][] = [
    [{ metadata: { kind: 'grpc' } }, 0],
    [{ userAgentName: 'gRPC Go' }, 0],
    [{ userAgentName: 'envoy', metadata: { kind: 'envoy' } }, 1],
  ];
  for (const [node, answers] of cases) {
    const { publisher } = fixture();
    const { received, ask } = dial(publisher, node);
    ask(CDS, []);
    assert.equal(received.length, answers, JSON.stringify(node));
  }
});

test('the record of a workload says what kind it is, whatever the node says', () => {
  const { publisher } = fixture({ recordedKind: (id) => (id === 'shop/web-1' ? 'envoy' : '') });
  const { ask } = dial(publisher, { metadata: { kind: 'grpc' } });
  ask(CDS, []);
  assert.equal(publisher.proxy('shop/web-1')?.node.kind, 'envoy');
});
