import assert from 'node:assert/strict';
import test from 'node:test';
import { isWeftError } from '../../core/errors.ts';
import { ClusterTable, ListenerTable, MetadataTable, PermissionTable, RetryPolicyTable } from '../tables/tables.gen.ts';
import { decode } from './decode.ts';
import { encode } from './encode.ts';
import { create, Table, UNSET } from './table.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

function fault(run: () => unknown): { code: string; where: string; what: string } {
  try {
    run();
  } catch (error) {
    if (isWeftError(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

test('an empty message has every default', () => {
  const cluster = decode(ClusterTable, bytes());
  assert.equal(cluster.name, '');
  assert.equal(cluster.connectTimeout, undefined);
  assert.deepEqual(cluster.healthChecks, []);
  assert.equal(cluster.typedExtensionProtocolOptions.size, 0);
  assert.equal(cluster.lbConfig.case, undefined);
});

test('a wrapper with its default is present, a plain field with its default is not', () => {
  const message = create(ClusterTable, { maxRequestsPerConnection: 0, name: '' });
  const encoded = encode(ClusterTable, message);
  assert.deepEqual([...encoded], [(9 << 3) | 2, 0]);
  assert.equal(decode(ClusterTable, encoded).maxRequestsPerConnection, 0);
});

test('a list of numbers is read packed and unpacked', () => {
  const packed = bytes((7 << 3) | 2, 3, 0xf7, 0x03, 5);
  const unpacked = bytes((7 << 3) | 0, 0xf7, 0x03, (7 << 3) | 0, 5);
  assert.deepEqual(decode(RetryPolicyTable, packed).retriableStatusCodes, [503, 5]);
  assert.deepEqual(decode(RetryPolicyTable, unpacked).retriableStatusCodes, [503, 5]);
});

test('the last member of a oneof wins, and members that are their default are kept', () => {
  const permission = decode(PermissionTable, bytes((3 << 3) | 0, 1, (6 << 3) | 0, 0));
  assert.deepEqual(permission.rule, { case: 'destinationPort', value: 0 });
});

test('unknown fields are skipped and reported with the path of their message', () => {
  const seen: string[] = [];
  const nested = bytes((25 << 3) | 2 | 0x80, 1, 3, 0xf8, 0x07, 1);
  const cluster = decode(ClusterTable, bytes(0xfa, 0x3e, 1, 9, ...nested), {
    onUnknown: (path, number) => seen.push(`${path}#${number}`),
  });
  assert.equal(cluster.metadata?.filterMetadata.size, 0);
  assert.deepEqual(seen, ['envoy.config.cluster.v3.Cluster#1007', 'envoy.config.cluster.v3.Cluster.metadata#127']);
});

test('an error names the field as the .proto file does, with indexes', () => {
  const chains = bytes((3 << 3) | 2, 0, (3 << 3) | 2, 4, (1 << 3) | 2, 2, (8 << 3) | 2, 9);
  const error = fault(() => decode(ListenerTable, chains));
  assert.equal(error.code, 'invalid');
  assert.equal(error.where, 'envoy.config.listener.v3.Listener.filter_chains[1].filter_chain_match.destination_port');
});

test('a wrong wire type, a group, a bad tag, an overlong varint and bad UTF-8 are invalid', () => {
  for (const input of [
    bytes((1 << 3) | 0, 1),
    bytes((100 << 3) | 3 | 0x80, 6),
    bytes(0),
    bytes((6 << 3) | 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1),
    bytes((1 << 3) | 2, 1, 0xff),
    bytes((1 << 3) | 2, 5, 65),
  ]) {
    assert.equal(fault(() => decode(ClusterTable, input)).code, 'invalid', input.toString());
  }
});

test('a nested message cannot reach past its parent', () => {
  const metadata = bytes((25 << 3) | 2 | 0x80, 1, 2, (1 << 3) | 2, 5, (1 << 3) | 2, 3, 65, 66, 67);
  assert.equal(fault(() => decode(ClusterTable, metadata)).what, 'length beyond the end');
});

test('depth, size and the number of elements are bounded', () => {
  let nested = bytes();
  for (let level = 0; level < 70; level++) {
    const sink = [...nested];
    const length = sink.length < 128 ? [sink.length] : [(sink.length & 0x7f) | 0x80, sink.length >> 7];
    nested = bytes((8 << 3) | 2, ...length, ...sink);
  }
  assert.equal(fault(() => decode(PermissionTable, nested)).what, 'messages nested too deep');
  const many = new Uint8Array(2000).map((_, index) => (index % 2 === 0 ? (8 << 3) | 2 : 0));
  assert.equal(fault(() => decode(ClusterTable, many, { maxElements: 999 })).what, 'too many elements');
  assert.equal(decode(ClusterTable, many, { maxElements: 1000 }).healthChecks.length, 1000);
  assert.equal(fault(() => decode(ClusterTable, many, { maxBytes: 1999 })).code, 'limit-exceeded');
});

test('a struct cannot reach the prototype of objects', () => {
  const filterMetadata = new Map([['weft.mesh', JSON.parse('{"__proto__": {"admin": true}}')]]);
  const metadata = decode(MetadataTable, encode(MetadataTable, { filterMetadata }));
  const struct = metadata.filterMetadata.get('weft.mesh');
  assert.deepEqual(Object.keys(struct ?? {}), ['__proto__']);
  assert.equal(struct?.['admin'], undefined);
});

test('decoded messages never share their lists and maps', () => {
  const a = decode(ClusterTable, bytes((8 << 3) | 2, 0));
  assert.equal(a.healthChecks.length, 1);
  assert.equal(decode(ClusterTable, bytes()).healthChecks.length, 0);
  assert.ok(Object.isFrozen(decode(ClusterTable, bytes()).healthChecks));
});

test('what is decoded outlives the buffer that it came in', () => {
  const input = bytes((1 << 3) | 2, 1, 65, (36 << 3) | 2 | 0x80, 2, 8, (1 << 3) | 2, 1, 66, (2 << 3) | 2, 3, 18, 1, 7);
  const cluster = decode(ClusterTable, input);
  input.fill(0);
  assert.deepEqual(cluster.typedExtensionProtocolOptions.get('B'), { typeUrl: '', value: bytes(7) });
});

test('every scalar kind survives both ways', () => {
  interface Scalars {
    readonly [name: string]: unknown;
  }
  const table = new Table<Scalars>('test.Scalars', () => [
    [1, 'sint', 17],
    [2, 'long', 18],
    [3, 'fixed', 7],
    [4, 'sfixed', 15],
    [5, 'fixedLong', 6],
    [6, 'sfixedLong', 16],
    [7, 'negative', 5],
    [8, 'only', 8, 'plain', null, 'choice'],
  ]);
  const message = {
    sint: -2_147_483_648,
    long: -(1n << 63n),
    fixed: 4_294_967_295,
    sfixed: -5,
    fixedLong: (1n << 64n) - 1n,
    sfixedLong: -7n,
    negative: -1,
    choice: UNSET,
  };
  assert.deepEqual(decode(table, encode(table, message)), message);
});
