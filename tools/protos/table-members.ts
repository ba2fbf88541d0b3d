/** One field of a descriptor in the terms of a field table. */
import { protoCamelCase, safeObjectProperty } from '@bufbuild/protobuf/reflect';
import {
  type DescriptorProto,
  type FieldDescriptorProto,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
} from '@bufbuild/protobuf/wkt';
import { KIND, type Kind, type Shape } from '../../src/xds/wire/table.ts';
import { type Types, typeOf } from './prune.ts';

export interface Member {
  readonly number: number;
  readonly name: string;
  readonly kind: Kind;
  readonly shape: Shape;
  readonly keyKind: Kind;
  /** Interface name of the message type; null for all others. */
  readonly message: string | null;
  /** Full name of the enum type, for the comment; null for all others. */
  readonly enumType: string | null;
  readonly oneof: string | null;
}

const WRAPPED: Readonly<Record<string, Kind>> = {
  'google.protobuf.DoubleValue': KIND.double,
  'google.protobuf.FloatValue': KIND.float,
  'google.protobuf.Int64Value': KIND.int64,
  'google.protobuf.UInt64Value': KIND.uint64,
  'google.protobuf.Int32Value': KIND.int32,
  'google.protobuf.UInt32Value': KIND.uint32,
  'google.protobuf.BoolValue': KIND.bool,
  'google.protobuf.StringValue': KIND.string,
  'google.protobuf.BytesValue': KIND.bytes,
};

const PLAIN: Readonly<Record<string, Kind>> = {
  'google.protobuf.Duration': KIND.duration,
  'google.protobuf.Timestamp': KIND.timestamp,
  'google.protobuf.Struct': KIND.struct,
  'google.protobuf.Value': KIND.value,
};

export function nameOf(names: ReadonlyMap<string, string>, type: string): string {
  const name = names.get(type);
  if (name === undefined) throw new Error(`${type} is not in the subset`);
  return name;
}

export function memberOf(
  field: FieldDescriptorProto,
  parent: DescriptorProto,
  types: Types,
  names: ReadonlyMap<string, string>,
): Member {
  const entry = field.type === FieldDescriptorProto_Type.MESSAGE ? types.messages.get(typeOf(field)) : undefined;
  const [key, value] = entry?.options?.mapEntry ? entry.field : [];
  const typed = value ?? field;
  const type = typed.typeName === '' ? '' : typeOf(typed);
  const wrapped = WRAPPED[type];
  const repeated = field.label === FieldDescriptorProto_Label.REPEATED;
  if (wrapped !== undefined && repeated) throw new Error(`${field.name}: lists of wrappers are not handled`);
  const kind = wrapped ?? PLAIN[type] ?? (typed.type as Kind);
  const inOneof = Object.hasOwn(field, 'oneofIndex') && !field.proto3Optional;
  return {
    number: field.number,
    name: safeObjectProperty(protoCamelCase(field.name)),
    kind,
    shape: key !== undefined ? 'map' : repeated ? 'list' : shapeOf(field, kind, wrapped !== undefined),
    keyKind: key === undefined ? KIND.string : (key.type as Kind),
    message: kind === KIND.message ? nameOf(names, type) : null,
    enumType: kind === KIND.enum ? nameOf(names, type) : null,
    oneof: inOneof ? safeObjectProperty(protoCamelCase(parent.oneofDecl[field.oneofIndex]?.name ?? '')) : null,
  };
}

function shapeOf(field: FieldDescriptorProto, kind: Kind, isWrapped: boolean): Shape {
  if (isWrapped) return 'wrapped';
  return field.proto3Optional || kind === KIND.message || kind >= KIND.duration ? 'optional' : 'plain';
}
