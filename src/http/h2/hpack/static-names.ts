/** Index of a name in the static table, by the hash that a head carries with each field. */
import { hashOf } from '../../field-name.ts';
import { TOKEN } from '../../token.ts';
import { STATIC_FIELDS } from './static-table.ts';

const MASK = 255;
/** Chosen so that no two names share a slot. */
const SHIFT = 10;

const slots = new Uint8Array(MASK + 1);
const names = STATIC_FIELDS.map(([name]) => Buffer.from(name, 'latin1'));
const hashes = names.map((name) => hashOf(name, 0, name.length));
for (let index = names.length - 1; index > 0; index--) {
  if (names[index]?.[0] !== 0x3a) slots[slotOf(hashes[index] ?? 0)] = index;
}

/** The first index with this name, in any letter case; 0: none. Not for pseudo-header fields. */
export function staticNameIndex(hash: number, bytes: DataView, start: number, end: number): number {
  const index = slots[slotOf(hash)] as number;
  if (index === 0 || hashes[index] !== hash) return 0;
  const name = names[index] as Uint8Array;
  if (name.length !== end - start) return 0;
  for (let i = 0; i < name.length; i++) if (TOKEN[bytes.getUint8(start + i)] !== name[i]) return 0;
  return index;
}

function slotOf(hash: number): number {
  return (hash >>> SHIFT) & MASK;
}
