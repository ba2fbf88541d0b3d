/** Turns a finished protobuf message into the immutable, versioned form that goes over xDS. */
import { type DescMessage, type MessageShape, toBinary } from '@bufbuild/protobuf';
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

/**
 * The bytes of a message of which these have each some of the fields; repeated fields follow each other. In memory of
 * their own, unlike what Buffer.concat makes, because resources stay for long.
 */
export function joinMessages(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
