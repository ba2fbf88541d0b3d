/** The kinds of resource that a proxy holds, as the commands name them, and how their bytes become readable. */
import {
  create,
  type DescMessage,
  fromBinary,
  isMessage,
  type JsonValue,
  type Message,
  toJson,
} from '@bufbuild/protobuf';
import { messageOf } from '../../core/errors.ts';
import { ClusterSchema } from '../../protos/gen/envoy/config/cluster/v3/cluster_pb.ts';
import { ClusterLoadAssignmentSchema } from '../../protos/gen/envoy/config/endpoint/v3/endpoint_pb.ts';
import { ListenerSchema } from '../../protos/gen/envoy/config/listener/v3/listener_pb.ts';
import { VirtualHostSchema } from '../../protos/gen/envoy/config/route/v3/route_components_pb.ts';
import { RouteConfigurationSchema } from '../../protos/gen/envoy/config/route/v3/route_pb.ts';
import { TlsCertificateSchema } from '../../protos/gen/envoy/extensions/transport_sockets/tls/v3/common_pb.ts';
import { SecretSchema } from '../../protos/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts';
import { envoyTypes } from '../../protos/registry.ts';

/** `hosts`: virtual hosts that came one by one, as they were asked for; those of a route configuration are in that. */
export const SECTIONS = ['listeners', 'routes', 'hosts', 'clusters', 'endpoints', 'secrets'] as const;
export type Section = (typeof SECTIONS)[number];

export const SCHEMAS: Readonly<Record<Section, DescMessage>> = {
  listeners: ListenerSchema,
  routes: RouteConfigurationSchema,
  hosts: VirtualHostSchema,
  clusters: ClusterSchema,
  endpoints: ClusterLoadAssignmentSchema,
  secrets: SecretSchema,
};

/** By `Cluster`, or by a type URL; null: a type that these commands do not show. */
export function sectionOf(type: string): Section | null {
  const name = type.slice(type.lastIndexOf('.') + 1);
  return SECTIONS.find((section) => SCHEMAS[section].name === name) ?? null;
}

/** What the control plane calls the type. */
export function typeNameOf(section: Section): string {
  return SCHEMAS[section].name;
}

/** A resource that could be read, or why not. */
export interface ReadMessage {
  readonly message: Message | null;
  readonly problem: string;
}

export function readBytes(section: Section, bytes: Uint8Array): ReadMessage {
  try {
    return { message: fromBinary(SCHEMAS[section], bytes), problem: '' };
  } catch (error) {
    return { message: null, problem: messageOf(error) };
  }
}

/** Canonical JSON: one form, whoever wrote the resource. Without the parts of a secret that are secret. */
export function messageJson(section: Section, message: Message): JsonValue {
  try {
    return toJson(SCHEMAS[section], withoutKeys(message), { registry: envoyTypes });
  } catch (error) {
    // An extension that is not known here: its neighbours are not worth less for it.
    return { problem: messageOf(error) };
  }
}

function withoutKeys(message: Message): Message {
  if (!isMessage(message, SecretSchema) || message.type.case === 'validationContext') return message;
  const shown = create(SecretSchema, { name: message.name });
  if (message.type.case !== 'tlsCertificate') return shown;
  const { certificateChain } = message.type.value;
  shown.type = { case: 'tlsCertificate', value: create(TlsCertificateSchema, { certificateChain }) };
  return shown;
}
