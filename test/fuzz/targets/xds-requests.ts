/**
 * What one client says to the xDS server, message by message: it is answered, or its stream ends by a named reason; a
 * client beside it gets what it is due, and nothing of the bad one stays.
 */
import assert from 'node:assert/strict';
import type { RpcHandler, RpcStatus, RpcStream } from '../../../src/core/runtime.ts';
import { METHOD_BY_PATH } from '../../../src/control/publish/methods.ts';
import { EDS, fixture, peerOf, resource, WEB_ID } from '../../../src/control/publish/publisher.fixture.ts';
import { STREAM_ENDINGS } from '../../../src/control/publish/stream-endings.ts';
import { TYPE_URLS } from '../../../src/xds/resource.ts';
import { DeltaDiscoveryRequestTable, DiscoveryRequestTable, NodeTable } from '../../../src/xds/tables/tables.gen.ts';
import { encode } from '../../../src/xds/wire/encode.ts';
import { create } from '../../../src/xds/wire/table.ts';
import type { FuzzTarget } from '../driver/target.ts';
import type { Rng } from '../driver/rng.ts';

const METHODS = [...METHOD_BY_PATH.values()];
const TYPES = [EDS, TYPE_URLS.listener, TYPE_URLS.routes, TYPE_URLS.virtualHosts, TYPE_URLS.secret, '', 'nonsense'];
const NAMES = ['catalog', 'l', '*', '', 'r/host:80'];
const ENDINGS = new Set<number>(Object.values(STREAM_ENDINGS));
const ID = 'shop/web-1';

export const target: FuzzTarget = {
  dictionary: [...TYPES, ...NAMES, ID, '\x0a', '\x12', '\x1a', '\x22', '\x2a', '\x32', '\x3a', '\xff\xff\xff\xff\x0f'],
  covers: /src\/(xds\/(server|wire)|control\/publish)\/[a-z-]+\.ts$/,
  generate(random) {
    const method = random.below(METHODS.length);
    const messages = Array.from({ length: 1 + random.below(8) }, (_, i) => message(random, method, i === 0));
    return String.fromCharCode(method) + messages.map((bytes) => framed(bytes)).join('');
  },
  run(input) {
    const { publisher, views, connect } = fixture();
    const good = connect('shop/web-2');
    const method = METHODS[(input[0] ?? 0) % METHODS.length];
    assert.ok(method);
    let answers = 0;
    let ended: RpcStatus | null = null;
    const stream: RpcStream = {
      remote: { host: '127.0.0.1', port: 5000 },
      writable: true,
      send: () => void answers++,
      end: (status) => {
        ended = status ?? { code: 0, message: '' };
      },
      pause() {},
      resume() {},
      destroy() {},
    };
    const accepted = publisher.accept(stream, method.path, peerOf(ID, WEB_ID));
    assert.ok(!('code' in accepted));
    const handler: RpcHandler = accepted;
    let said = 0;
    for (const bytes of cut(input)) {
      handler.onMessage(bytes);
      said++;
      const content = `${said % 3}`;
      views.set(ID, 'endpoints', resource(EDS, 'catalog', content), resource(TYPE_URLS.listener, 'l', content));
      publisher.flush();
    }
    const status = ended as RpcStatus | null;
    assert.ok(status === null || ENDINGS.has(status.code), JSON.stringify(status));
    assert.equal(publisher.metrics.ended('internal'), 0);
    assert.ok(answers <= 4 * said + 2, 'a loop of responses');
    views.set('shop/web-2', 'endpoints', resource(EDS, 'catalog', 'end'));
    publisher.flush();
    assert.deepEqual(good.held(), { catalog: 'end' });
    if (status === null) handler.onClose({ code: 1, message: 'gone' });
    assert.deepEqual([publisher.proxies().length, publisher.streamLimit.used], [1, 1]);
    return `${method.variant} ${status?.code ?? 'open'} ${status?.message.slice(0, 20) ?? ''} ${Math.min(answers, 6)}`;
  },
};

function message(random: Rng, method: number, isFirst: boolean): Uint8Array {
  const some = (list: readonly string[]): string[] => Array.from({ length: random.below(3) }, () => random.pick(list));
  const common = {
    node: isFirst ? create(NodeTable, { id: ID }) : undefined,
    typeUrl: random.pick(TYPES),
    responseNonce: random.pick(['', '1', '2', '3', '4', 'x']),
    errorDetail: random.oneIn(4) ? { code: 3, message: random.pick(['', 'catalog: no', 'l']), details: [] } : undefined,
  };
  if (METHODS[method]?.variant === 'sotw') {
    return encode(DiscoveryRequestTable, create(DiscoveryRequestTable, { ...common, resourceNames: some(NAMES) }));
  }
  const names = { resourceNamesSubscribe: some(NAMES), resourceNamesUnsubscribe: some(NAMES) };
  const initialResourceVersions = new Map(some(NAMES).map((name) => [name, 'old']));
  const request = create(DeltaDiscoveryRequestTable, { ...common, ...names, initialResourceVersions });
  return encode(DeltaDiscoveryRequestTable, request);
}

/** Two bytes of length before each, so that a mutation moves borders too. */
function framed(bytes: Uint8Array): string {
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]).toString('latin1');
}

function* cut(input: Uint8Array): Generator<Uint8Array> {
  for (let at = 1; at + 2 <= input.length; ) {
    const end = at + 2 + (((input[at] ?? 0) << 8) | (input[at + 1] ?? 0));
    yield input.slice(at + 2, end);
    at = end;
  }
}
