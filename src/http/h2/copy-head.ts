/** Trailers that wait behind content of their stream outlive their owner, so they wait as a copy. */
import { copyBytes } from '../../core/bytes.ts';
import { FIELD_WIDTH, Head } from '../head.ts';

/** Fields only; the caller frees it. */
export function copyOf(fields: Head): Head {
  const copy = new Head();
  copy.reserve(fields.used);
  copy.used = copyBytes(fields.bytes, 0, fields.used, copy.bytes, 0);
  for (; copy.count < fields.count; copy.count++) {
    copy.reserveField();
    const slot = copy.count * FIELD_WIDTH;
    for (let i = slot; i < slot + FIELD_WIDTH; i++) copy.fields[i] = fields.fields[i] as number;
  }
  return copy;
}
