import assert from 'node:assert/strict';
import test from 'node:test';
import { isWeftError } from '../../core/errors.ts';
import { TYPE_URLS, type TypeUrl } from '../resource.ts';
import type { Any, DiscoveryRequest } from '../tables/messages.gen.ts';
import {
  ClusterTable,
  DiscoveryRequestTable,
  DiscoveryResponseTable,
  NodeTable,
  ResourceTable,
} from '../tables/tables.gen.ts';
import { decode } from '../wire/decode.ts';
import { encode } from '../wire/encode.ts';
import { create } from '../wire/table.ts';
import { ClientResources } from './client-resources.ts';
import type { Refusal, XdsDelta } from './received.ts';
import { SotwStream } from './sotw-stream.ts';

const { cluster: CDS, endpoints: EDS, listener: LDS, routes: RDS } = TYPE_URLS;
const node = create(NodeTable, { id: 'shop/web-1', cluster: 'web' });

interface Fixture {
  readonly resources: ClientResources;
  readonly stream: SotwStream;
  readonly applied: XdsDelta[];
  refuse: (delta: XdsDelta) => readonly Refusal[];
  /** The wall clock. */
  atMs: number;
  readonly requests: () => DiscoveryRequest[];
}

function fixture(maxResources?: number): Fixture {
  const applied: XdsDelta[] = [];
  const resources = new ClientResources({
    wallMs: () => fixed.atMs,
    apply: (delta) => {
      applied.push(delta);
      return fixed.refuse(delta);
    },
    ...(maxResources === undefined ? {} : { maxResources }),
  });
  const fixed: Fixture = {
    resources,
    stream: new SotwStream(resources, node, () => true),
    applied,
    refuse: () => [],
    atMs: 5_000,
    requests: () => {
      const all: DiscoveryRequest[] = [];
      for (let next = fixed.stream.next(); next !== null; next = fixed.stream.next()) {
        all.push(decode(DiscoveryRequestTable, next));
      }
      return all;
    },
  };
  return fixed;
}

/** A body of any type: its field 1 is its name, as in every resource. */
function body(name: string, content: string): Uint8Array {
  return encode(ClusterTable, create(ClusterTable, { name, altStatName: content }));
}

function response(typeUrl: TypeUrl, nonce: string, bodies: Readonly<Record<string, string>>, version = nonce) {
  const resources = Object.entries(bodies).map(([name, content]) => ({ typeUrl, value: body(name, content) }));
  return responseOf(typeUrl, nonce, resources, version);
}

function responseOf(typeUrl: TypeUrl, nonce: string, resources: readonly Any[], versionInfo: string): Uint8Array {
  return encode(DiscoveryResponseTable, create(DiscoveryResponseTable, { typeUrl, nonce, versionInfo, resources }));
}

const heldNames = ({ resources }: Fixture): string[] => resources.held().map(({ name }) => name);

test('each request carries all names, and the node goes with the first of a stream only', () => {
  const { resources, stream, requests } = fixture();
  stream.open();
  assert.deepEqual(
    requests().map((r) => [r.typeUrl, r.node?.id, r.resourceNames, r.versionInfo]),
    [
      [CDS, 'shop/web-1', [], ''],
      [LDS, undefined, [], ''],
    ],
  );
  resources.want(RDS, new Set(['a', 'b']));
  assert.deepEqual(
    requests().map((r) => [r.typeUrl, r.resourceNames]),
    [[RDS, ['a', 'b']]],
  );
  resources.want(RDS, new Set(['b', 'c']));
  assert.deepEqual(
    requests().map((r) => r.resourceNames),
    [['b', 'c']],
  );
});

test('an ACK carries version and nonce; a later change of names repeats both', () => {
  const { resources, stream, requests } = fixture();
  resources.want(EDS, new Set(['x']));
  stream.open();
  requests();
  stream.onMessage(response(EDS, 'n1', { x: '1' }, 'v1'));
  assert.deepEqual(
    requests().map((r) => [r.versionInfo, r.responseNonce, r.resourceNames, r.errorDetail]),
    [['v1', 'n1', ['x'], undefined]],
  );
  resources.want(EDS, new Set(['x', 'y']));
  assert.deepEqual(
    requests().map((r) => [r.versionInfo, r.responseNonce, r.resourceNames]),
    [['v1', 'n1', ['x', 'y']]],
  );
});

test('a NACK names what was refused, keeps the version, and the rest of the response is in use', () => {
  const fixed = fixture();
  const { stream, requests, resources } = fixed;
  stream.open();
  requests();
  stream.onMessage(response(CDS, 'n1', { a: '1', b: '1' }, 'v1'));
  fixed.refuse = () => [{ name: 'a', reason: 'bad\nfield x' }];
  stream.onMessage(response(CDS, 'n2', { a: '2', b: '2' }, 'v2'));
  const nack = requests().at(-1);
  assert.deepEqual([nack?.versionInfo, nack?.responseNonce], ['v1', 'n2']);
  assert.deepEqual(nack?.errorDetail, { code: 3, message: 'a: bad field x', details: [] });
  assert.deepEqual(
    resources.held().map(({ name, version }) => [name, version]),
    [
      ['a', 'v1'],
      ['b', 'v2'],
    ],
  );
});

test('listeners and clusters that a response leaves out are gone; of other types it may tell a part', () => {
  const fixed = fixture();
  const { stream, resources, applied } = fixed;
  resources.want(EDS, new Set(['x', 'y']));
  stream.open();
  stream.onMessage(response(LDS, 'n1', { a: '1', b: '1' }));
  stream.onMessage(response(EDS, 'n2', { x: '1', y: '1' }));
  stream.onMessage(response(LDS, 'n3', { b: '1' }));
  stream.onMessage(response(EDS, 'n4', { x: '2' }));
  assert.deepEqual(heldNames(fixed), ['x', 'y', 'b']);
  assert.deepEqual(applied[2]?.removed, ['a']);
  stream.onMessage(response(LDS, 'n5', {}));
  assert.deepEqual(heldNames(fixed), ['x', 'y']);
});

test('what is refused is not taken for removed, and nothing is removed while a resource cannot be named', () => {
  const fixed = fixture();
  const { stream, requests } = fixed;
  stream.open();
  requests();
  stream.onMessage(response(CDS, 'n1', { a: '1', b: '1' }));
  const other = { typeUrl: LDS, value: body('x', '1') };
  stream.onMessage(responseOf(CDS, 'n2', [{ typeUrl: CDS, value: body('a', '2') }, other], 'v2'));
  assert.deepEqual(heldNames(fixed), ['a', 'b']);
  assert.equal(requests().at(-1)?.errorDetail?.message, `resources[1]: of type ${LDS}`);
  fixed.refuse = () => [{ name: 'a', reason: 'no' }];
  stream.onMessage(response(CDS, 'n3', { a: '3' }));
  assert.deepEqual(heldNames(fixed), ['a']);
});

test('a resource in its envelope is read, one that comes twice is refused by name', () => {
  const fixed = fixture();
  const { stream, requests } = fixed;
  stream.open();
  requests();
  const inner = { typeUrl: CDS, value: body('a', '1') };
  const wrapped = {
    typeUrl: 'type.googleapis.com/envoy.service.discovery.v3.Resource',
    value: encode(ResourceTable, create(ResourceTable, { name: 'a', resource: inner })),
  };
  stream.onMessage(responseOf(CDS, 'n1', [wrapped, inner], 'v1'));
  assert.deepEqual(heldNames(fixed), ['a']);
  assert.equal(requests().at(-1)?.errorDetail?.message, 'a: twice in one response');
});

test('a reconnect tells the accepted version and all names, and no nonce', () => {
  const { resources, stream, requests } = fixture();
  resources.want(EDS, new Set(['x']));
  stream.open();
  requests();
  stream.onMessage(response(EDS, 'n1', { x: '1' }, 'v1'));
  requests();
  stream.close();
  assert.deepEqual(requests(), []);
  stream.open();
  assert.deepEqual(
    requests().map((r) => [r.typeUrl, r.versionInfo, r.responseNonce, r.resourceNames]),
    [
      [CDS, '', '', []],
      [EDS, 'v1', '', ['x']],
      [LDS, '', '', []],
    ],
  );
});

test('names that are no longer wanted are unsubscribed by a request without them, and a late answer is dropped', () => {
  const fixed = fixture();
  const { resources, stream, requests, applied } = fixed;
  resources.want(EDS, new Set(['x']));
  stream.open();
  requests();
  resources.want(EDS, new Set());
  assert.deepEqual(
    requests().map((r) => [r.typeUrl, r.resourceNames]),
    [[EDS, []]],
  );
  stream.onMessage(response(EDS, 'n1', { x: '1' }));
  assert.deepEqual(applied, []);
  assert.equal(requests().at(-1)?.responseNonce, 'n1');
});

test('the number of resources is bounded: what is beyond is refused by name', () => {
  const fixed = fixture(2);
  fixed.stream.open();
  fixed.requests();
  fixed.stream.onMessage(response(CDS, 'n1', { a: '1', b: '1', c: '1' }));
  assert.equal(fixed.requests().at(-1)?.errorDetail?.message, 'c: more than 2 resources');
  assert.deepEqual(heldNames(fixed), ['a', 'b']);
});

test('a message that is no response, or of a type that was never asked for, ends the stream', () => {
  const { stream } = fixture();
  stream.open();
  for (const bytes of [Uint8Array.of(9), response(EDS, 'n', {})]) {
    assert.throws(
      () => stream.onMessage(bytes),
      (error) => isWeftError(error, 'invalid'),
    );
  }
});

test('a resource that its server gave an end is gone then, unless it was heard of again', () => {
  const fixed = fixture();
  const { stream, resources, applied } = fixed;
  stream.open();
  const wrapped = (ttl: number, bodyOf: Any | undefined) => ({
    typeUrl: 'type.googleapis.com/envoy.service.discovery.v3.Resource',
    value: encode(ResourceTable, create(ResourceTable, { name: 'a', ttl, ...(bodyOf ? { resource: bodyOf } : {}) })),
  });
  stream.onMessage(responseOf(CDS, 'n1', [wrapped(1_000, { typeUrl: CDS, value: body('a', '1') })], 'v1'));
  assert.equal(resources.nextExpiryMs, 6_000);
  stream.onMessage(responseOf(CDS, 'n2', [wrapped(2_000, undefined)], 'v1'));
  assert.equal(resources.nextExpiryMs, 7_000);
  fixed.atMs = 6_500;
  resources.expire();
  assert.deepEqual(heldNames(fixed), ['a']);
  fixed.atMs = 7_000;
  resources.expire();
  assert.deepEqual(heldNames(fixed), []);
  assert.deepEqual(applied.at(-1)?.removed, ['a']);
  assert.equal(resources.nextExpiryMs, Number.POSITIVE_INFINITY);
});

test('a body that cannot be read is refused by its place, and the rest is in use', () => {
  const fixed = fixture();
  fixed.stream.open();
  fixed.requests();
  const broken = { typeUrl: CDS, value: Uint8Array.of(0x0a, 0x50) };
  fixed.stream.onMessage(responseOf(CDS, 'n1', [broken, { typeUrl: CDS, value: body('b', '1') }], 'v1'));
  assert.deepEqual(heldNames(fixed), ['b']);
  assert.match(fixed.requests().at(-1)?.errorDetail?.message ?? '', /^resources\[0\]: length beyond the end/);
});
