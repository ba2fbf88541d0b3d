import assert from 'node:assert/strict';
import test from 'node:test';
import { isWeftError } from '../../core/errors.ts';
import { TYPE_URLS } from '../resource.ts';
import { ClientResourceStatus, type DeltaDiscoveryRequest } from '../tables/messages.gen.ts';
import {
  ClientStatusResponseTable,
  DeltaDiscoveryRequestTable,
  DeltaDiscoveryResponseTable,
  NodeTable,
  ResourceTable,
} from '../tables/tables.gen.ts';
import { decode } from '../wire/decode.ts';
import { encode } from '../wire/encode.ts';
import { create } from '../wire/table.ts';
import { clientStatus } from './client-status.ts';
import { DeltaClient } from './delta-client.fixture.ts';
import type { Refusal, XdsDelta } from './received.ts';

const { cluster: CDS, endpoints: EDS, listener: LDS, routes: RDS } = TYPE_URLS;
const node = create(NodeTable, { id: 'shop/web-1', cluster: 'web', userAgentName: 'weft' });

interface Fixture {
  readonly client: DeltaClient;
  readonly applied: XdsDelta[];
  refuse: (delta: XdsDelta) => readonly Refusal[];
  /** All requests that are due. */
  readonly requests: () => DeltaDiscoveryRequest[];
}

function fixture(maxResources?: number): Fixture {
  const applied: XdsDelta[] = [];
  const fixed: Fixture = {
    client: new DeltaClient({
      node,
      wallMs: () => 5000,
      apply: (delta) => {
        applied.push(delta);
        return fixed.refuse(delta);
      },
      ...(maxResources === undefined ? {} : { maxResources }),
    }),
    applied,
    refuse: () => [],
    requests: () => {
      const all: DeltaDiscoveryRequest[] = [];
      for (let next = fixed.client.next(); next !== null; next = fixed.client.next()) {
        all.push(decode(DeltaDiscoveryRequestTable, next));
      }
      return all;
    },
  };
  return fixed;
}

function response(typeUrl: string, nonce: string, bodies: Readonly<Record<string, string>>, removed: string[] = []) {
  const resources = Object.entries(bodies).map(([name, body]) =>
    create(ResourceTable, { name, version: `v-${body}`, resource: { typeUrl, value: new TextEncoder().encode(body) } }),
  );
  return encode(
    DeltaDiscoveryResponseTable,
    create(DeltaDiscoveryResponseTable, { typeUrl, nonce, resources, removedResources: removed }),
  );
}

test('the node goes with the first message of a stream only', () => {
  const { client, requests } = fixture();
  for (let stream = 0; stream < 2; stream++) {
    client.open();
    const first = requests();
    assert.deepEqual(
      first.map((request) => [request.typeUrl, request.node?.id]),
      [
        [CDS, 'shop/web-1'],
        [LDS, undefined],
      ],
    );
    client.close();
    assert.deepEqual(requests(), []);
  }
});

test('names are subscribed and unsubscribed as they are wanted, and a type without names is not asked for', () => {
  const { client, requests } = fixture();
  client.open();
  requests();
  client.want(RDS, new Set(['a', 'b']));
  assert.deepEqual(
    requests().map((r) => [r.typeUrl, r.resourceNamesSubscribe, r.resourceNamesUnsubscribe]),
    [[RDS, ['a', 'b'], []]],
  );
  client.want(RDS, new Set(['b', 'c']));
  assert.deepEqual(
    requests().map((r) => [r.resourceNamesSubscribe, r.resourceNamesUnsubscribe, r.responseNonce]),
    [[['c'], ['a'], '']],
  );
});

test('every response is answered by its nonce', () => {
  const { client, applied, requests } = fixture();
  client.open();
  requests();
  client.onMessage(response(CDS, 'n1', { a: '1' }, ['gone']));
  client.onMessage(response(CDS, 'n2', {}));
  assert.deepEqual(
    requests().map((r) => [r.typeUrl, r.responseNonce, r.errorDetail]),
    [
      [CDS, 'n1', undefined],
      [CDS, 'n2', undefined],
    ],
  );
  assert.deepEqual(
    applied.map((delta) => [delta.changed.map((one) => one.name), delta.removed]),
    [[['a'], ['gone']]],
  );
});

test('a NACK lists each refused resource with its reason on one line; the rest is held', () => {
  const fixed = fixture();
  const { client, requests } = fixed;
  client.open();
  requests();
  client.onMessage(response(CDS, 'n1', { a: '1', b: '1' }));
  fixed.refuse = () => [
    { name: 'a', reason: 'bad\nfield x' },
    { name: 'c', reason: 'worse' },
  ];
  client.onMessage(response(CDS, 'n2', { a: '2', b: '2', c: '2' }));
  const nack = requests().at(-1);
  assert.equal(nack?.responseNonce, 'n2');
  assert.deepEqual(nack?.errorDetail, { code: 3, message: 'a: bad field x\nc: worse', details: [] });
  assert.deepEqual(
    client.held().map((resource) => [resource.name, resource.version]),
    [
      ['a', 'v-1'],
      ['b', 'v-2'],
    ],
  );
});

test('when applying throws, all is refused and the last good stays', () => {
  const fixed = fixture();
  fixed.client.open();
  fixed.client.onMessage(response(CDS, 'n1', { a: '1' }));
  fixed.requests();
  fixed.refuse = () => {
    throw new Error('boom');
  };
  fixed.client.onMessage(response(CDS, 'n2', { a: '2', b: '2' }, ['a']));
  assert.equal(fixed.requests().at(-1)?.errorDetail?.message, 'a: boom\nb: boom');
  assert.deepEqual(
    fixed.client.held().map((resource) => resource.version),
    ['v-1'],
  );
});

test('a reconnect says which versions are held, those of refused resources being the older ones', () => {
  const fixed = fixture();
  const { client, requests } = fixed;
  client.want(EDS, new Set(['x', 'y']));
  client.open();
  client.onMessage(response(CDS, 'n1', { a: '1' }));
  client.onMessage(response(EDS, 'n2', { x: '1' }, ['y']));
  fixed.refuse = () => [{ name: 'a', reason: 'no' }];
  client.onMessage(response(CDS, 'n3', { a: '2' }));
  client.close();
  client.open();
  assert.deepEqual(
    requests().map((r) => [r.typeUrl, r.resourceNamesSubscribe, [...r.initialResourceVersions], r.responseNonce]),
    [
      [CDS, [], [['a', 'v-1']], ''],
      [EDS, ['x', 'y'], [['x', 'v-1']], ''],
      [LDS, [], [], ''],
    ],
  );
});

test('what is no longer wanted is no longer held, and a late answer to it is acknowledged and dropped', () => {
  const { client, applied, requests } = fixture();
  client.want(EDS, new Set(['x']));
  client.open();
  requests();
  client.onMessage(response(EDS, 'n1', { x: '1' }));
  client.want(EDS, new Set());
  assert.deepEqual(client.held(), []);
  client.onMessage(response(EDS, 'n2', { x: '2' }));
  assert.equal(applied.length, 1);
  assert.deepEqual(client.held(), []);
  assert.equal(requests().at(-1)?.responseNonce, 'n2');
});

test('resources without name or body, or of another type, are refused without being applied', () => {
  const { client, applied, requests } = fixture();
  client.open();
  requests();
  const any = { typeUrl: EDS, value: new Uint8Array(0) };
  const resources = [
    create(ResourceTable, { name: 'no-body' }),
    create(ResourceTable, { name: 'other', resource: any }),
    create(ResourceTable, { resource: { ...any, typeUrl: CDS } }),
  ];
  const bytes = create(DeltaDiscoveryResponseTable, { typeUrl: CDS, nonce: 'n', resources });
  client.onMessage(encode(DeltaDiscoveryResponseTable, bytes));
  assert.deepEqual(applied, []);
  assert.equal(
    requests()[0]?.errorDetail?.message,
    `no-body: a resource without a body\nother: of type ${EDS}\n: a resource without a name`,
  );
});

test('the number of resources is bounded: what is beyond is refused by name', () => {
  const { client, requests } = fixture(2);
  client.open();
  requests();
  client.onMessage(response(CDS, 'n1', { a: '1' }));
  client.onMessage(response(CDS, 'n2', { a: '2', b: '1', c: '1' }));
  assert.equal(requests().at(-1)?.errorDetail?.message, 'c: more than 2 resources');
  assert.equal(client.held().length, 2);
});

test('a message that is no response, or of a type that was never asked for, ends the stream', () => {
  const { client } = fixture();
  client.open();
  for (const bytes of [Uint8Array.of(9), response('type.googleapis.com/nothing', 'n', {})]) {
    assert.throws(
      () => client.onMessage(bytes),
      (error) => isWeftError(error, 'invalid'),
    );
  }
});

test('what was restored is applied, held, and told on the first stream', () => {
  const { client, applied, requests } = fixture();
  const bytes = Uint8Array.of(1);
  assert.deepEqual(client.restore([{ type: CDS, name: 'a', version: 'v-1', bytes }]), []);
  assert.equal(applied[0]?.changed[0]?.name, 'a');
  client.open();
  assert.deepEqual([...(requests()[0]?.initialResourceVersions ?? [])], [['a', 'v-1']]);
});

test('CSDS tells what is requested, missing, acknowledged and refused', () => {
  const fixed = fixture();
  const { client } = fixed;
  client.want(EDS, new Set(['wanted', 'missing']));
  client.open();
  client.onMessage(response(CDS, 'n1', { a: '1', b: '1' }));
  fixed.refuse = (delta) => (delta.type === CDS ? [{ name: 'b', reason: 'no' }] : []);
  client.onMessage(response(CDS, 'n2', { b: '2' }));
  client.onMessage(response(EDS, 'n3', {}, ['missing']));
  const decoded = decode(ClientStatusResponseTable, clientStatus(node, client.states(), true)).config[0];
  assert.equal(decoded?.node?.id, 'shop/web-1');
  const byName = new Map(decoded?.genericXdsConfigs.map((config) => [config.name, config]));
  assert.equal(byName.get('wanted')?.clientStatus, ClientResourceStatus.REQUESTED);
  assert.equal(byName.get('missing')?.clientStatus, ClientResourceStatus.DOES_NOT_EXIST);
  assert.equal(byName.get('a')?.clientStatus, ClientResourceStatus.ACKED);
  assert.equal(byName.get('a')?.lastUpdated, 5000);
  const refused = byName.get('b');
  assert.equal(refused?.clientStatus, ClientResourceStatus.NACKED);
  assert.deepEqual([refused?.versionInfo, refused?.errorState?.versionInfo], ['v-1', 'v-2']);
  assert.equal(refused?.errorState?.details, 'no');
  assert.equal(new TextDecoder().decode(refused?.errorState?.failedConfiguration?.value), '2');
  const bare = decode(ClientStatusResponseTable, clientStatus(node, client.states(), false)).config[0];
  assert.ok(bare?.genericXdsConfigs.every((config) => config.xdsConfig === undefined));
});
