/** Damage to inputs: bytes, lines, numbers, pieces of the format, pieces of other inputs. */
import type { Rng } from './rng.ts';

const ODD_BYTES = [
  0x00, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1f, 0x20, 0x22, 0x2c, 0x30, 0x3a, 0x3b, 0x5f, 0x7f, 0x80, 0xa0, 0xff,
];
const NUMBERS = [
  '0',
  '1',
  '00',
  '7f',
  '80',
  'ff',
  '100',
  '256',
  'ffff',
  '65536',
  'fffffffe',
  '100000000',
  '9007199254740993',
];

type Mutator = (input: Buffer, random: Rng, other: Buffer, dictionary: readonly string[]) => Buffer;

const MUTATORS: readonly Mutator[] = [
  // One byte becomes another.
  (input, random) => {
    const out = Buffer.from(input);
    if (out.length > 0) out[random.below(out.length)] = random.oneIn(2) ? random.pick(ODD_BYTES) : random.below(256);
    return out;
  },
  // A bit flips: letter case is one.
  (input, random) => {
    const out = Buffer.from(input);
    const at = random.below(out.length || 1);
    if (out.length > 0) out[at] = (out[at] ?? 0) ^ (1 << random.below(8));
    return out;
  },
  (input, random) => put(input, random.below(input.length + 1), 0, Buffer.of(random.pick(ODD_BYTES))),
  (input, random, _other, dictionary) =>
    put(input, random.below(input.length + 1), 0, Buffer.from(random.pick(dictionary), 'latin1')),
  // A piece of the format instead of what was there.
  (input, random, _other, dictionary) =>
    put(input, random.below(input.length + 1), random.below(12), Buffer.from(random.pick(dictionary), 'latin1')),
  (input, random) => put(input, random.below(input.length + 1), 1 + random.below(8), Buffer.alloc(0)),
  // A range twice.
  (input, random) => {
    const at = random.below(input.length + 1);
    return put(input, at, 0, input.subarray(at, at + 1 + random.below(24)));
  },
  // A line goes, comes twice, or moves.
  (input, random) => {
    const lines = input.toString('latin1').split('\r\n');
    const [line] = lines.splice(random.below(lines.length), random.oneIn(2) ? 1 : 0);
    lines.splice(random.below(lines.length + 1), 0, line ?? random.pick(lines.length === 0 ? [''] : lines));
    return Buffer.from(lines.join('\r\n'), 'latin1');
  },
  // A number becomes another.
  (input, random) => {
    const text = input.toString('latin1');
    const numbers = [...text.matchAll(/[0-9a-fA-F]+/g)];
    if (numbers.length === 0) return input;
    const { 0: old, index } = random.pick(numbers);
    const value = Number.parseInt(old, 16);
    const near = random.oneIn(2) && Number.isSafeInteger(value) ? (value + random.below(5) - 2).toString(16) : null;
    return put(input, index, old.length, Buffer.from(near ?? random.pick(NUMBERS), 'latin1'));
  },
  // The beginning of one input and the end of another.
  (input, random, other) =>
    Buffer.concat([input.subarray(0, random.below(input.length + 1)), other.subarray(random.below(other.length + 1))]),
];

export function mutate(
  input: Buffer,
  random: Rng,
  other: Buffer,
  dictionary: readonly string[],
  maxBytes: number,
): Buffer {
  let out = input;
  for (let n = 1 + random.below(4); n > 0; n--) out = random.pick(MUTATORS)(out, random, other, dictionary);
  return out.subarray(0, maxBytes);
}

/** `removed` bytes at `at` give way to `added`. */
function put(input: Buffer, at: number, removed: number, added: Uint8Array): Buffer {
  return Buffer.concat([input.subarray(0, at), added, input.subarray(at + removed)]);
}
