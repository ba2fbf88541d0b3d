/** However a field is written in a block, its verdict is the same: what the short ways read is what the general one reads. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Head } from '../../head.ts';
import { BLOCK, COMPRESSION_ERROR, type HeadLimits, HpackDecoder } from './decoder.ts';
import { CODE_BITS, CODES } from './huffman-code.ts';
import { putInteger } from './integer.ts';
import { FIRST_DYNAMIC, STATIC_FIELDS } from './static-table.ts';
import { block, fieldsOf, indexed, literal, raw } from './test/blocks.ts';

const NAMES = ['accept', 'x-a', 'te', 'content-length', 'cookie', 'host', 'via', 'connection', 'content_length', 'X-A'];
const VALUES = [
  '',
  '1',
  '1',
  'trailers',
  'a',
  'a b',
  ' a',
  'a\t',
  'a\x7f',
  'a\rbcdefgh',
  '\0',
  '\xe9',
  'v'.repeat(140),
];
const good = fc.tuple(
  fc.constantFrom('accept', 'x-a', 'cookie', 'via'),
  fc.constantFrom('', '1', 'a b', 'v'.repeat(140)),
);
const regular = fc.oneof(
  { weight: 6, arbitrary: good },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom(...VALUES)) },
);
const pseudo = fc.oneof(
  fc.tuple(fc.constant(':path'), fc.constantFrom('/', '/a?b', '/index.html', '/a#b', '/a b', '*', '', 'a', '/\xe9')),
  fc.tuple(fc.constant(':method'), fc.constantFrom('GET', 'POST', 'OPTIONS', 'G T')),
  fc.tuple(fc.constant(':scheme'), fc.constantFrom('http', 'https', 'ftp')),
  fc.tuple(fc.constant(':authority'), fc.constantFrom('a', 'a:80', '', 'a b')),
  fc.tuple(fc.constant(':status'), fc.constantFrom('200', '204', '999')),
);
const start = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constant<[string, string][]>([
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', '/a?b'],
      [':authority', 'a'],
    ]),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom<[string, string][]>(
      [
        [':method', 'GET'],
        [':scheme', 'http'],
        [':path', '/a?b'],
      ],
      [
        [':method', 'POST'],
        [':scheme', 'http'],
        [':authority', 'a'],
      ],
    ),
  },
  { weight: 2, arbitrary: fc.array(pseudo, { maxLength: 5 }) },
);
const more = fc.oneof(
  { weight: 4, arbitrary: fc.constant<[string, string][]>([]) },
  { weight: 4, arbitrary: fc.array(pseudo, { minLength: 1, maxLength: 2 }) },
);
const list = fc
  .tuple(start, more, fc.array(regular, { maxLength: 8 }), fc.boolean())
  .map(([first, last, rest, isMixed]) => [...first, ...(isMixed ? [...rest, ...last] : [...last, ...rest])]);
const limits = fc.record({
  maxListBytes: fc.oneof(fc.constant(65_536), fc.nat(800)),
  maxFields: fc.oneof(fc.constant(100), fc.nat(9)),
});

type Fields = readonly (readonly [string, string])[];

/** What a decoder whose table holds these, the first one at the highest index, says of blocks then: of the last one. */
function verdictAfter(before: Fields, blocks: readonly Buffer[], to: HeadLimits): unknown {
  const decoder = new HpackDecoder(4_096, to);
  const inserts = before.map(([name, value]) => literal(name, value, 0x40));
  const all = [Buffer.concat(inserts), ...blocks];
  let head = new Head();
  let verdict = 0;
  for (const bytes of all) {
    head = new Head();
    verdict = decoder.decode(bytes, 0, bytes.length, head, BLOCK.request);
    assert.notEqual(verdict, COMPRESSION_ERROR);
  }
  if (verdict !== 0) return verdict;
  const { methodText, pathText, authorityText, scheme, method, known, contentLength } = head;
  return { fields: fieldsOf(head), methodText, pathText, authorityText, scheme, method, known, contentLength };
}

function named(index: number, pattern: number, string: Buffer): Buffer {
  const out = Buffer.alloc(8);
  return Buffer.concat([out.subarray(0, putInteger(out, 0, index, pattern === 0x40 ? 0x3f : 0x0f, pattern)), string]);
}

/** A string literal in Huffman code. */
function coded(text: string): Buffer {
  let bits = '';
  for (const byte of Buffer.from(text, 'latin1')) {
    bits += (CODES[byte] ?? 0).toString(2).padStart(CODE_BITS[byte] ?? 0, '0');
  }
  const bytes = (bits.padEnd(Math.ceil(bits.length / 8) * 8, '1').match(/.{8}/g) ?? []).map((each) =>
    parseInt(each, 2),
  );
  const out = Buffer.alloc(8);
  return Buffer.concat([out.subarray(0, putInteger(out, 0, bytes.length, 0x7f, 0x80)), Buffer.from(bytes)]);
}

test('indexed, with an indexed name, or spelt out: one verdict', () => {
  fc.assert(
    fc.property(list, limits, (fields, to) => {
      const wanted = verdictAfter([], [block(...fields)], to);
      const newest = FIRST_DYNAMIC + fields.length - 1;
      const repeated = Buffer.concat(fields.map((_, i) => indexed(newest - i)));
      assert.deepEqual(verdictAfter(fields, [repeated], to), wanted, 'indexed');
      const names = fields.map(([name]) => [name, name.startsWith(':') ? '' : 'x'] as const);
      for (const string of [raw, coded]) {
        for (const pattern of [0, 0x10]) {
          const byName = Buffer.concat(fields.map(([, value], i) => named(newest - i, pattern, string(value))));
          assert.deepEqual(verdictAfter(names, [byName], to), wanted, `${string.name}, ${pattern}`);
        }
        // Each pushes the names by one, and stands where the next block finds it.
        const kept = Buffer.concat(fields.map(([, value]) => named(newest, 0x40, string(value))));
        assert.deepEqual(verdictAfter(names, [kept], to), wanted, `${string.name}, kept`);
        assert.deepEqual(verdictAfter(names, [kept, repeated], to), wanted, `${string.name}, kept, then indexed`);
      }
      const isStatic = Buffer.concat(
        fields.map(([name, value]) => {
          const whole = STATIC_FIELDS.findIndex((each) => each[0] === name && each[1] === value);
          const only = STATIC_FIELDS.findIndex((each) => each[0] === name);
          if (whole > 0) return indexed(whole);
          return only > 0 ? named(only, 0, raw(value)) : literal(name, value);
        }),
      );
      assert.deepEqual(verdictAfter([], [isStatic], to), wanted, 'out of the static table');
    }),
    { numRuns: 800 },
  );
});

test('entries that lie side by side, named in another order or with others between', () => {
  const entries = Array.from({ length: 40 }, (_, i) => [`x-${i}`, `${i}`.repeat(i)] as const);
  const get = block([':method', 'GET'], [':scheme', 'http'], [':path', '/'], [':authority', 'a']);
  const order = fc.oneof(
    fc.array(fc.nat(39), { maxLength: 60 }),
    fc
      .array(fc.tuple(fc.nat(39), fc.integer({ min: 1, max: 12 })), { maxLength: 6 })
      .map((runs) =>
        runs.flatMap(([from, length]) => Array.from({ length: Math.min(length, 40 - from) }, (_, i) => from + i)),
      ),
  );
  fc.assert(
    fc.property(order, fc.nat(30), (places, skipped) => {
      // What came before makes the table begin elsewhere, and wrap.
      const before = Array.from({ length: skipped * 20 }, (_, i) => ['y', `${i}`] as const);
      const bytes = Buffer.concat([get, ...places.map((place) => indexed(FIRST_DYNAMIC + 39 - place))]);
      const said = verdictAfter([...before, ...entries], [bytes], { maxListBytes: 65_536, maxFields: 100 });
      const wanted = places.map((place) => entries[place]?.join(': '));
      assert.deepEqual((said as { fields: string[] }).fields.slice(1), wanted);
    }),
    { numRuns: 200 },
  );
});
