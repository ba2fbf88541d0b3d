import assert from 'node:assert/strict';
import test from 'node:test';
import { type DescMessage, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import type { Duration } from '@bufbuild/protobuf/wkt';
import * as fc from 'fast-check';
import { isWeftError } from '../../core/errors.ts';
import { ClusterSchema } from '../../protos/gen/envoy/config/cluster/v3/cluster_pb.ts';
import { ClusterLoadAssignmentSchema } from '../../protos/gen/envoy/config/endpoint/v3/endpoint_pb.ts';
import { ListenerSchema } from '../../protos/gen/envoy/config/listener/v3/listener_pb.ts';
import { RouteConfigurationSchema } from '../../protos/gen/envoy/config/route/v3/route_pb.ts';
import { HTTPFaultSchema } from '../../protos/gen/envoy/extensions/filters/http/fault/v3/fault_pb.ts';
import { RBACSchema } from '../../protos/gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts';
import { HttpConnectionManagerSchema } from '../../protos/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import { TcpProxySchema } from '../../protos/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts';
import { SecretSchema } from '../../protos/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts';
import { UpstreamTlsContextSchema } from '../../protos/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts';
import { HttpProtocolOptionsSchema } from '../../protos/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts';
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
} from '../../protos/gen/envoy/service/discovery/v3/discovery_pb.ts';
import { ClientStatusResponseSchema } from '../../protos/gen/envoy/service/status/v3/csds_pb.ts';
import * as tables from '../tables/tables.gen.ts';
import { decode } from './decode.ts';
import { encode } from './encode.ts';
import { type Field, type Fields, KIND, type Kind, type Table, UNSET } from './table.ts';

const PAIRS: readonly (readonly [Table<object>, DescMessage])[] = [
  [tables.ClusterTable, ClusterSchema],
  [tables.ClusterLoadAssignmentTable, ClusterLoadAssignmentSchema],
  [tables.ListenerTable, ListenerSchema],
  [tables.RouteConfigurationTable, RouteConfigurationSchema],
  [tables.SecretTable, SecretSchema],
  [tables.HttpConnectionManagerTable, HttpConnectionManagerSchema],
  [tables.TcpProxyConfigTable, TcpProxySchema],
  [tables.UpstreamTlsContextTable, UpstreamTlsContextSchema],
  [tables.UpstreamHttpOptionsTable, HttpProtocolOptionsSchema],
  [tables.HttpRbacTable, RBACSchema],
  [tables.HTTPFaultTable, HTTPFaultSchema],
  [tables.DeltaDiscoveryRequestTable, DeltaDiscoveryRequestSchema],
  [tables.DeltaDiscoveryResponseTable, DeltaDiscoveryResponseSchema],
  [tables.ClientStatusResponseTable, ClientStatusResponseSchema],
];

const RUNS = { numRuns: 60 };

for (const [table, schema] of PAIRS) {
  test(`${table.name}: protobuf-es reads what encode wrote`, () => {
    fc.assert(
      fc.property(arbitraryMessage(table, 5), (message) => {
        assert.deepEqual(plainOf(table, fromBinary(schema, encode(table, message))), tidy(message));
      }),
      RUNS,
    );
  });

  test(`${table.name}: decode reads what protobuf-es wrote`, () => {
    fc.assert(
      fc.property(arbitraryMessage(table, 5), (message) => {
        const reference = fromBinary(schema, encode(table, message));
        assert.deepEqual(tidy(decode(table, toBinary(schema, reference))), plainOf(table, reference));
      }),
      RUNS,
    );
  });

  test(`${table.name}: two messages in a row merge as in protobuf-es`, () => {
    fc.assert(
      fc.property(arbitraryMessage(table, 4), arbitraryMessage(table, 4), (first, second) => {
        const bytes = Buffer.concat([encode(table, first), encode(table, second)]);
        assert.deepEqual(tidy(decode(table, bytes)), plainOf(table, fromBinary(schema, bytes)));
      }),
      RUNS,
    );
  });

  test(`${table.name}: damaged bytes give a message or a WeftError, nothing else`, () => {
    const damaged = fc.tuple(arbitraryMessage(table, 4), fc.array(fc.tuple(fc.nat(), fc.nat(255))), fc.nat());
    fc.assert(
      fc.property(damaged, ([message, changes, cut]) => {
        const bytes = encode(table, message);
        for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
        const input = bytes.subarray(0, bytes.length === 0 ? 0 : cut % (bytes.length + 1));
        try {
          decode(table, input);
        } catch (error) {
          assert.ok(isWeftError(error, 'invalid') || isWeftError(error, 'limit-exceeded'), String(error));
          assert.ok(error.where.startsWith(table.name), error.where);
        }
      }),
      RUNS,
    );
  });
}

const memo = new Map<string, fc.Arbitrary<object>>();

function arbitraryMessage(table: Table, depth: number): fc.Arbitrary<object> {
  const key = `${table.name} ${depth}`;
  const known = memo.get(key);
  if (known !== undefined) return known;
  const model: Record<string, fc.Arbitrary<unknown>> = {};
  const oneofs = new Map<string, fc.Arbitrary<unknown>[]>();
  for (const field of table.fields) {
    const value = arbitraryField(field, depth);
    if (field.oneof === null) model[field.name] = value;
    else if (field.kind !== KIND.message || depth > 0) {
      const members = oneofs.get(field.oneof) ?? [fc.constant(UNSET)];
      members.push(arbitraryValue(field, depth).map((chosen) => ({ case: field.name, value: chosen })));
      oneofs.set(field.oneof, members);
    } else oneofs.set(field.oneof, oneofs.get(field.oneof) ?? [fc.constant(UNSET)]);
  }
  for (const [name, members] of oneofs) model[name] = fc.oneof(...members);
  const result = fc.record(model);
  memo.set(key, result);
  return result;
}

function arbitraryField(field: Field, depth: number): fc.Arbitrary<unknown> {
  const leaf = field.kind === KIND.message && depth === 0;
  if (field.shape === 'list') return leaf ? fc.constant([]) : fc.array(arbitraryValue(field, depth), { maxLength: 2 });
  if (field.shape === 'map') {
    if (leaf) return fc.constant(new Map());
    const entry = fc.tuple(fc.string({ maxLength: 5 }), arbitraryValue(field, depth));
    // protobuf-es keeps maps in objects, where this key is not one.
    return fc.array(entry, { maxLength: 2 }).map((all) => new Map(all.filter(([key]) => key !== '__proto__')));
  }
  if (field.shape === 'plain') return arbitraryValue(field, depth);
  return leaf ? fc.constant(undefined) : fc.option(arbitraryValue(field, depth), { nil: undefined, freq: 2 });
}

function arbitraryValue(field: Field, depth: number): fc.Arbitrary<unknown> {
  return field.table === null ? arbitraryScalar(field.kind) : arbitraryMessage(field.table, depth - 1);
}

function arbitraryScalar(kind: Kind): fc.Arbitrary<unknown> {
  const duration = fc.tuple(fc.integer({ min: -1e7, max: 1e7 }), fc.nat(999_999));
  switch (kind) {
    case KIND.string:
      return fc.string({ unit: 'grapheme', maxLength: 150 });
    case KIND.bool:
      return fc.boolean();
    case KIND.bytes:
      return fc.uint8Array({ maxLength: 20 });
    case KIND.uint32:
    case KIND.fixed32:
      return fc.nat(0xffff_ffff);
    case KIND.enum:
      // Whatever protobuf-es reads back: enums are open.
      return fc.nat(4);
    case KIND.int32:
    case KIND.sint32:
    case KIND.sfixed32:
      return fc.integer();
    case KIND.uint64:
    case KIND.fixed64:
      return fc.bigInt(0n, (1n << 64n) - 1n);
    case KIND.int64:
    case KIND.sint64:
    case KIND.sfixed64:
      return fc.bigInt(-(1n << 63n), (1n << 63n) - 1n);
    case KIND.float:
      return fc.float({ noNaN: true }).map((value) => value || 0);
    case KIND.double:
      return fc.double({ noNaN: true }).map((value) => value || 0);
    case KIND.duration:
      return duration.map(([s, micros]) => millisecondsOf({ seconds: BigInt(s), nanos: Math.sign(s) * micros * 1000 }));
    case KIND.timestamp:
      // Whole: before the epoch the parts have two signs, and their sum rounds.
      return fc.integer({ min: -1e12, max: 1e12 });
    case KIND.struct:
      return fc.dictionary(fc.string({ maxLength: 5 }), arbitraryJson).map(withoutProto);
    default:
      return arbitraryJson;
  }
}

const arbitraryJson: fc.Arbitrary<unknown> = fc
  .jsonValue({ maxDepth: 2 })
  .map((value) => JSON.parse(JSON.stringify(value).replaceAll('__proto__', 'proto').replaceAll('-0', '0')));

function withoutProto(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([key]) => key !== '__proto__'));
}

function millisecondsOf(duration: { seconds: bigint; nanos: number }): number {
  return Number(duration.seconds) * 1000 + duration.nanos / 1e6;
}

/** A protobuf-es message as the plain object that decode should give. */
function plainOf(table: Table, message: Message): Fields {
  const source = message as unknown as Fields;
  const result: Fields = {};
  for (const field of table.fields) {
    if (field.oneof === null) result[field.name] = plainField(field, source[field.name]);
    else {
      const chosen = source[field.oneof] as { case?: string; value?: unknown };
      if (chosen.case === field.name)
        result[field.oneof] = { case: field.name, value: plainValue(field, chosen.value) };
      else result[field.oneof] ??= { case: undefined };
    }
  }
  return result;
}

function plainField(field: Field, value: unknown): unknown {
  if (value === undefined) return undefined;
  if (field.shape === 'list') return (value as unknown[]).map((element) => plainValue(field, element));
  if (field.shape !== 'map') return plainValue(field, value);
  const entries = Object.entries(value as Record<string, unknown>).sort(([a], [b]) => (a < b ? -1 : 1));
  return new Map(entries.map(([key, element]) => [key, plainValue(field, element)]));
}

function plainValue(field: Field, value: unknown): unknown {
  if (field.kind === KIND.duration || field.kind === KIND.timestamp) return millisecondsOf(value as Duration);
  if (field.table !== null) return plainOf(field.table, value as Message);
  if (field.shape === 'wrapped' && typeof value === 'object' && 'value' in (value as object)) {
    return (value as { value: unknown }).value;
  }
  return tidy(value);
}

/** Without differences that mean nothing: prototypes of objects and the order of map entries. */
function tidy(value: unknown): unknown {
  if (value instanceof Map) {
    const entries = [...(value as Map<string, unknown>)].sort(([a], [b]) => (a < b ? -1 : 1));
    return new Map(entries.map(([key, element]) => [key, tidy(element)]));
  }
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(tidy);
  return Object.fromEntries(Object.entries(value).map(([key, element]) => [key, tidy(element)]));
}
