/** Turns a finished protobuf message into the immutable, versioned form that goes over xDS. */
import { create, type DescMessage, type MessageInitShape, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { type Any, anyPack } from '@bufbuild/protobuf/wkt';
import type { Origin } from '../../api/resource.ts';
import { xdsResource } from '../../xds/content-version.ts';
import type { TypeUrl, XdsResource } from '../../xds/resource.ts';

export function resourceOf<D extends DescMessage>(
  type: TypeUrl,
  name: string,
  schema: D,
  message: MessageShape<D>,
  origins: readonly Origin[],
): XdsResource {
  return xdsResource(type, name, toBinary(schema, message), origins);
}

export function sameResource(a: XdsResource | null, b: XdsResource | null): boolean {
  if (a === null || b === null) return a === b;
  return a.version === b.version && a.name === b.name && a.origins.length === b.origins.length;
}

export function pack<D extends DescMessage>(schema: D, init: MessageInitShape<D>): Any {
  return anyPack(schema, create(schema, init));
}

export function durationOf(ms: number): { seconds: bigint; nanos: number } {
  return { seconds: BigInt(Math.floor(ms / 1000)), nanos: Math.round((ms % 1000) * 1_000_000) };
}
