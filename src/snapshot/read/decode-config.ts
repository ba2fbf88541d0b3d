/**
 * Decoding of configuration with a rule for fields that this proxy does not know: harmless where they tune something,
 * refused where they decide who or what matches, because a condition that is dropped lets more through.
 */
import { decode } from '../../xds/wire/decode.ts';
import type { Table } from '../../xds/wire/table.ts';
import { unsupported } from './problem.ts';

/** Messages, by a segment of the field path that leads to them, in which every field decides. */
const DECISIVE =
  /\.(?:filter_chain_match|match|headers|matcher|string_match|match_typed_subject_alt_names)(?:\[\d+\])?(?:\.|$)/;
const DECISIVE_ROOTS = /TlsContext$|\.Secret$/;

/** Whether a field there decides who or what matches. `path` starts with a dot. */
export function isDecisive(path: string): boolean {
  return DECISIVE.test(path);
}

/** Bound of one resource; a proxy's whole configuration has many. */
const MAX_BYTES = 16 << 20;

/** Throws a WeftError with the field path. */
export function decodeConfig<T>(table: Table<T>, bytes: Uint8Array): T {
  return decode(table, bytes, {
    maxBytes: MAX_BYTES,
    onUnknown(path, fieldNumber) {
      if (DECISIVE_ROOTS.test(table.name) || isDecisive(path)) {
        throw unsupported(path, `field ${fieldNumber} of this message is unknown to this proxy`);
      }
    },
  });
}
