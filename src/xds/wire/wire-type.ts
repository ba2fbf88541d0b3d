/** How a value lies on the wire: what must be known to read it, or to step over it. */
import { KIND, type Kind } from './table.ts';

export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** The wire type of one value; a packed list is `bytes` whatever its elements. */
export function wireTypeOf(kind: Kind): number {
  switch (kind) {
    case KIND.double:
    case KIND.fixed64:
    case KIND.sfixed64:
      return WIRE.fixed64;
    case KIND.float:
    case KIND.fixed32:
    case KIND.sfixed32:
      return WIRE.fixed32;
    case KIND.string:
    case KIND.bytes:
    case KIND.message:
    case KIND.duration:
    case KIND.timestamp:
    case KIND.struct:
    case KIND.value:
      return WIRE.bytes;
    default:
      return WIRE.varint;
  }
}
