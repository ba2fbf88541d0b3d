/** Fields that go as one run: what is different about one of them, in its bytes or its flags, is seen. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FieldName } from '../../field-name.ts';
import { KNOWN_HOST } from '../../h1/known-fields.ts';
import { FIELD_WIDTH, FLAGS, Head, HOP, NEVER_INDEXED } from '../../head.ts';
import { BLOCK, HpackDecoder } from './decoder.ts';
import { HpackEncoder } from './encoder.ts';
import { decoded, LIMITS } from './test/blocks.ts';

const NAMES = ['accept', 'x-a', 'x-b', 'user-agent', 'via', 'x-c', 'x-d', 'x-e'].map((name) => new FieldName(name));
const HOST = new FieldName('host');
const out = Buffer.alloc(65_536);

/** Of each field in turn: absent, as always, another value of the same length, a longer one, removed, of this hop, never indexed. */
const shape = fc.array(
  fc.oneof({ weight: 12, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.constantFrom(0, 2, 3, 4, 5, 6) }),
  { minLength: NAMES.length, maxLength: NAMES.length },
);

test('in heads that are nearly alike, each field arrives as it was meant', () => {
  fc.assert(
    fc.property(
      fc.array(shape, { minLength: 2, maxLength: 40 }),
      fc.boolean(),
      fc.boolean(),
      (shapes, isLong, isTwice) => {
        const encoder = new HpackEncoder(isLong ? 4_096 : 600);
        const decoder = new HpackDecoder(4_096, LIMITS);
        // Each shape comes three times in a row, so that runs grow.
        for (const each of isTwice ? shapes.flatMap((one) => [one, one, one]) : shapes) {
          const head = Head.response(200);
          const wanted: string[] = [];
          for (const [i, name] of NAMES.entries()) {
            const kind = each[i] ?? 0;
            if (kind === 0) continue;
            const value = `${'v'.repeat(isLong ? 40 : 3)}${kind === 2 ? 'y' : 'x'}${kind === 3 ? '!' : ''}`;
            head.appendText(name, value);
            const flags = (head.count - 1) * FIELD_WIDTH + FLAGS;
            if (kind === 4) head.remove(head.count - 1);
            if (kind === 5) head.fields[flags] = HOP;
            if (kind === 6) head.fields[flags] = NEVER_INDEXED;
            if (kind !== 4 && kind !== 5) wanted.push(`${name.text}: ${value}${kind === 6 ? ' (never)' : ''}`);
          }
          const read = decoded(decoder, out.subarray(0, encoder.encode(head, -1, out, 0)), BLOCK.response);
          const arrived: string[] = [];
          for (let i = 0; i < read.count; i++) {
            const isNever = ((read.fields[i * FIELD_WIDTH + FLAGS] ?? 0) & NEVER_INDEXED) !== 0;
            arrived.push(`${read.nameText(i)}: ${read.text(i)}${isNever ? ' (never)' : ''}`);
          }
          assert.deepEqual(arrived, wanted);
          read.free();
          head.free();
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('trailers do not send a Host that a response before them sent in the midst of others', () => {
  const encoder = new HpackEncoder(4_096);
  const decoder = new HpackDecoder(4_096, LIMITS);
  const fill = (head: Head): Head => {
    for (const name of ['x-a', 'host', 'x-b']) head.appendText(new FieldName(name), 'value');
    head.fields[FIELD_WIDTH + FLAGS] = KNOWN_HOST;
    return head;
  };
  for (let i = 0; i < 3; i++) {
    const end = encoder.encode(fill(Head.response(200)), -1, out, 0);
    assert.equal(decoded(decoder, out.subarray(0, end), BLOCK.response).count, 3);
  }
  const read = decoded(decoder, out.subarray(0, encoder.encodeTrailers(fill(new Head()), out, 0)), BLOCK.trailers);
  assert.equal(read.find(HOST), -1);
  assert.equal(read.count, 2);
});
