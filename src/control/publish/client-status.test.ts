import assert from 'node:assert/strict';
import test from 'node:test';
import type { RpcHandler, RpcStatus, RpcStream } from '../../core/runtime.ts';
import { ConfigStatus } from '../../xds/tables/messages.gen.ts';
import { ClientStatusRequestTable, ClientStatusResponseTable, NodeTable } from '../../xds/tables/tables.gen.ts';
import { decode } from '../../xds/wire/decode.ts';
import { encode } from '../../xds/wire/encode.ts';
import { create } from '../../xds/wire/table.ts';
import { TYPE_URLS } from '../../xds/resource.ts';
import { clientStatusBytes } from './client-status.ts';
import { DELTA_ADS } from './methods.ts';
import type { Publisher } from './publisher.ts';
import { EDS, fixture, peerOf, resource, WEB_ID } from './publisher.fixture.ts';
import { dialRaw } from './raw-client.fixture.ts';

const SERVICE = '/envoy.service.status.v3.ClientStatusDiscoveryService';

function asks(publisher: Publisher, method: string, commonName = 'shop/web-1') {
  const answers: Uint8Array[] = [];
  let ended: RpcStatus | null = null;
  const stream = {
    remote: { host: '127.0.0.1', port: 5000 },
    writable: true as boolean,
    send: (message: Uint8Array) => void answers.push(message),
    end: (status?: RpcStatus) => {
      ended = status ?? null;
    },
    pause() {},
    resume() {},
    destroy() {},
  } satisfies RpcStream;
  const accepted = publisher.accept(stream, `${SERVICE}/${method}`, peerOf(commonName, WEB_ID));
  assert.ok(!('code' in accepted));
  const handler: RpcHandler = accepted;
  const ask = (id?: string, excludeResourceContents = false): void => {
    const node = id === undefined ? undefined : create(NodeTable, { id });
    handler.onMessage(encode(ClientStatusRequestTable, { node, excludeResourceContents }));
  };
  return { answers, ask, handler, stream, ended: () => ended };
}

test('each resource is synced, stale, in error or not sent, with version, content and the reason of a refusal', () => {
  const { publisher, views } = fixture();
  const good = resource(EDS, 'good', '1');
  const [bad, later] = [resource(EDS, 'bad', '1'), resource(EDS, 'later', '1')];
  const secret = resource(TYPE_URLS.secret, 'key', 'private');
  views.set('shop/web-1', 'configuration', good, bad, secret);
  const proxy = dialRaw(publisher, DELTA_ADS.path);
  proxy.ask({ typeUrl: EDS, names: ['good', 'bad', 'ghost'] });
  proxy.ask({ typeUrl: TYPE_URLS.secret, names: ['key'] });
  proxy.ask({ typeUrl: TYPE_URLS.secret, nonce: proxy.received.at(-1)?.nonce ?? '' });
  proxy.ask({ typeUrl: EDS, nonce: proxy.received[0]?.nonce ?? '', error: 'bad: not so' });
  views.set('shop/web-1', 'endpoints', good, bad, later, secret);
  proxy.ask({ typeUrl: EDS, names: ['later'] });
  const status = publisher.proxy('shop/web-1');
  assert.ok(status !== null);
  const [config] = decode(ClientStatusResponseTable, clientStatusBytes([status], true)).config;
  assert.equal(config?.node?.id, 'shop/web-1');
  const told = Object.fromEntries((config?.genericXdsConfigs ?? []).map((each) => [each.name, each]));
  assert.deepEqual(
    Object.entries(told).map(([name, each]) => [name, each.configStatus]),
    [
      ['good', ConfigStatus.SYNCED],
      ['bad', ConfigStatus.ERROR],
      ['ghost', ConfigStatus.NOT_SENT],
      ['later', ConfigStatus.NOT_SENT],
      ['key', ConfigStatus.SYNCED],
    ],
  );
  assert.deepEqual(told['good']?.xdsConfig, { typeUrl: EDS, value: good.bytes });
  assert.equal(told['good']?.versionInfo, good.version);
  const failure = told['bad']?.errorState;
  assert.deepEqual(
    [failure?.details, failure?.versionInfo, failure?.failedConfiguration?.value, failure?.lastUpdateAttempt],
    ['not so', bad.version, bad.bytes, 1_000_000],
  );
  const shown = Buffer.from(clientStatusBytes([status], true)).toString('latin1');
  assert.ok(!shown.includes('private'), 'secrets are named, not shown');
});

test('a proxy may ask about itself, once or as often as it likes, and about nobody else', () => {
  const { publisher } = fixture();
  dialRaw(publisher, DELTA_ADS.path).ask({ typeUrl: EDS, names: ['catalog'] });
  const stream = asks(publisher, 'StreamClientStatus');
  stream.ask();
  stream.ask('shop/web-1', true);
  assert.equal(stream.answers.length, 2);
  assert.ok((stream.answers[1]?.length ?? 0) < (stream.answers[0]?.length ?? 0) + 1);
  assert.equal(stream.ended(), null);
  stream.ask('shop/web-2');
  assert.equal((stream.ended() as RpcStatus | null)?.code, 7);
  const unary = asks(publisher, 'FetchClientStatus');
  unary.ask();
  assert.deepEqual([unary.answers.length, unary.ended()], [1, { code: 0, message: '' }]);
  const stranger = asks(publisher, 'StreamClientStatus', 'shop/stranger');
  stranger.ask();
  assert.equal((stranger.ended() as RpcStatus | null)?.code, 7);
  const broken = asks(publisher, 'StreamClientStatus');
  broken.handler.onMessage(Uint8Array.of(9));
  assert.equal((broken.ended() as RpcStatus | null)?.code, 3);
});

test('who asks faster than it reads is answered once', () => {
  const { publisher } = fixture();
  const { stream, ask, answers, handler } = asks(publisher, 'StreamClientStatus');
  stream.writable = false;
  for (let i = 0; i < 100; i++) ask();
  stream.writable = true;
  handler.onWritable();
  assert.equal(answers.length, 1);
});

test('a proxy that is not connected to discovery has no configuration to tell of', () => {
  const { publisher } = fixture();
  const { ask, answers } = asks(publisher, 'FetchClientStatus');
  ask();
  assert.deepEqual(decode(ClientStatusResponseTable, answers[0] ?? new Uint8Array(1)).config, []);
});
