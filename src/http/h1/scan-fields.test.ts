/** Values are scanned four bytes at once: which byte stands where must not matter. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Head } from '../head.ts';
import { FIELD_BYTE } from '../token.ts';
import { BAD_FIELD_VALUE, BARE_CR, BARE_LF } from './refusal.ts';
import { scanFields } from './scan-fields.ts';

function scan(value: Buffer, lead: number): { result: number; text: string } {
  const line = Buffer.concat([Buffer.from('x:'), value, Buffer.from('\r\n\r\n')]);
  const bytes = Buffer.concat([Buffer.alloc(lead, 0x21), line, Buffer.from('after')]);
  const head = new Head();
  const result = scanFields(head, bytes, lead, lead + line.length, 10);
  const text = head.count === 1 ? bytes.toString('latin1', lead + head.valueStart(0), lead + head.valueEnd(0)) : '';
  head.free();
  return { result, text };
}

describe('a byte of a value', () => {
  it('is judged alike wherever it stands, whatever stands beside it, and wherever the buffer begins', () => {
    for (const neighbour of [0x20, 0x7e, 0xff, 0x80]) {
      for (let at = 0; at < 9; at++) {
        for (let byte = 0; byte < 256; byte++) {
          const value = Buffer.alloc(9, neighbour);
          value[0] = value[8] = 0x61;
          value[at] = byte;
          const { result, text } = scan(value, at % 5);
          const shown = `${byte} at ${at} beside ${neighbour}`;
          if (FIELD_BYTE[byte] === 1) {
            assert.equal(result, value.length + 6, shown);
            assert.equal(text, value.toString('latin1').replace(/^[ \t]+|[ \t]+$/g, ''), shown);
          } else {
            assert.equal(result, byte === 0x0a ? BARE_LF : byte === 0x0d ? BARE_CR : BAD_FIELD_VALUE, shown);
          }
        }
      }
    }
  });

  it('is not read beyond the end that was given', () => {
    for (let length = 0; length < 12; length++) {
      const line = Buffer.from(`x:${'a'.repeat(length)}\r\n\r\n`);
      for (let end = 0; end < line.length; end++) {
        const head = new Head();
        assert.equal(scanFields(head, line, 0, end, 10), 0);
        head.free();
      }
    }
  });
});
