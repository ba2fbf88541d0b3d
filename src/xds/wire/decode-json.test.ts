import assert from 'node:assert/strict';
import test from 'node:test';
import { anyTable } from '../tables/any-tables.ts';
import { ClusterTable, ListenerTable } from '../tables/tables.gen.ts';
import { fromJson, type JsonProblem } from './decode-json.ts';
import type { JsonValue } from './json.ts';
import type { Table } from './table.ts';

function read<T>(table: Table<T>, json: JsonValue): { message: T; problems: string[] } {
  const problems: JsonProblem[] = [];
  const message = fromJson(table, json, { anyTables: anyTable, onProblem: (problem) => problems.push(problem) });
  return { message, problems: problems.map(({ path, kind, what }) => `${path.join('/')} ${kind}: ${what}`) };
}

test('names of enums, durations, wrappers and both spellings of a field are read', () => {
  const { message, problems } = read(ClusterTable, {
    name: 'a',
    connect_timeout: '0.25s',
    type: 'STRICT_DNS',
    lbPolicy: 'LEAST_REQUEST',
    max_requests_per_connection: 7,
  });
  assert.deepEqual(problems, []);
  assert.equal(message.connectTimeout, 250);
  assert.deepEqual(message.clusterDiscoveryType, { case: 'type', value: 1 });
  assert.equal(message.lbPolicy, 1);
  assert.equal(message.maxRequestsPerConnection, 7);
});

test('forms that Envoy takes beyond the specification are read', () => {
  const { message, problems } = read(ClusterTable, {
    type: 'strict_dns',
    lb_policy: '1',
    connect_timeout: { seconds: 1, nanos: 500_000_000 },
    max_requests_per_connection: { value: 7 },
    respect_dns_ttl: 'true',
    health_checks: { timeout: '1s' },
    typed_extension_protocol_options: {
      x: { '@type': 'other.example/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer' },
    },
  });
  assert.deepEqual(problems, []);
  assert.deepEqual(message.clusterDiscoveryType, { case: 'type', value: 1 });
  assert.equal(message.lbPolicy, 1);
  assert.equal(message.connectTimeout, 1500);
  assert.equal(message.maxRequestsPerConnection, 7);
  assert.equal(message.respectDnsTtl, true);
  assert.deepEqual(
    message.healthChecks.map(({ timeout }) => timeout),
    [1000],
  );
  const any = message.typedExtensionProtocolOptions.get('x');
  assert.equal(any?.typeUrl, 'type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer');
});

for (const [field, value] of [
  ['lb_policy', 'round-robin'],
  ['lb_policy', ''],
  ['connect_timeout', '.5s'],
  ['connect_timeout', { minutes: 1 }],
  ['max_requests_per_connection', { values: 7 }],
  ['max_requests_per_connection', true],
  ['respect_dns_ttl', 1],
  ['health_checks', 'none'],
  ['metadata', { filter_metadata: [] }],
] as const) {
  test(`${field}: ${JSON.stringify(value)} is refused, as Envoy refuses it`, () => {
    assert.equal(read(ClusterTable, { [field]: value }).problems.length, 1);
  });
}

test('all that is wrong is told at once, each with its place', () => {
  const { problems } = read(ListenerTable, {
    name: 7,
    address: { socket_address: { address: '::', port_value: 70_000_000_000 } },
    nonsense: true,
    listener_filters_timeout: 15,
    traffic_direction: 'constructor',
    filter_chains: [{ filters: [{ name: 'x', typed_config: { '@type': 'type.googleapis.com/x.Y' } }] }],
  });
  assert.deepEqual(
    problems.map((line) => line.slice(0, line.indexOf(':'))),
    [
      'name invalid',
      'address/socket_address/port_value invalid',
      'nonsense unknown',
      'listener_filters_timeout invalid',
      'traffic_direction invalid',
      'filter_chains/0/filters/0/typed_config/@type unknown',
    ],
  );
});

test('of a oneof one member may be set', () => {
  const { problems } = read(ClusterTable, { type: 'EDS', cluster_type: { name: 'x' } });
  assert.deepEqual(problems, ['cluster_type invalid: type is set as well: one of the two']);
});

test('depth is bounded', () => {
  let json: JsonValue = {};
  for (let i = 0; i < 200; i++) json = { and_rules: { rules: [json] } };
  const { problems } = read(anyTable('type.googleapis.com/envoy.config.rbac.v3.Permission') as Table, json);
  assert.match(problems.join(), /nested too deep/);
});
