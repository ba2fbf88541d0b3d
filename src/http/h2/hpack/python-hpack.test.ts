/** Our blocks read by Python's `hpack`, and its blocks read by us, while both change their tables' sizes. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { findPython, missingPython } from '../../../../test/support/components.ts';
import { FieldName } from '../../field-name.ts';
import { Head } from '../../head.ts';
import { BLOCK, HpackDecoder } from './decoder.ts';
import { HpackEncoder } from './encoder.ts';
import { decoded, fieldsOf, LIMITS } from './test/blocks.ts';

const SESSIONS = 20;

/** Lines in, lines out: `d HEX` decodes, `e JSON` encodes, `t N` sets the encoder's table, `n` begins a new connection. */
const SCRIPT = `
import json, sys
from hpack import Encoder, Decoder
for line in sys.stdin:
    op, rest = line[0], line[2:].strip()
    if op == 'n':
        encoder, decoder = Encoder(), Decoder()
        decoder.max_allowed_table_size = 20000
        continue
    elif op == 't':
        encoder.header_table_size = int(rest)
        continue
    elif op == 'd':
        answer = [[n.decode('latin1'), v.decode('latin1')] for n, v in decoder.decode(bytes.fromhex(rest), raw=True)]
    else:
        fields = [(n.encode('latin1'), v.encode('latin1')) for n, v in json.loads(rest)]
        answer = encoder.encode(fields, huffman=len(rest) % 3 != 0).hex()
    print(json.dumps(answer))
`;

const name = fc.oneof(
  fc.constantFrom('x-a', 'x-b', 'accept', 'user-agent', 'x-request-id', 'authorization', 'via', 'date'),
  fc.stringMatching(/^x-[a-z0-9-]{1,20}$/),
);
const value = fc.oneof(
  fc.constantFrom('', '1', 'v'.repeat(200), 'w'.repeat(990), '\xe9\xff'),
  fc.stringMatching(/^[!-~]([ -~]{0,50}[!-~])?$/),
);
const fields = fc.array(fc.tuple(name, value), { maxLength: 8 });
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ ours: fields }) },
  { weight: 6, arbitrary: fc.record({ theirs: fields }) },
  { weight: 1, arbitrary: fc.record({ tableBytes: fc.constantFrom(0, 100, 700, 4_096, 16_384) }) },
);

describe("Python's hpack", { skip: missingPython('hpack') }, () => {
  it('agrees', { timeout: 60_000 }, () => {
    const sessions = fc.sample(fc.array(step, { minLength: 40, maxLength: 80 }), { numRuns: SESSIONS, seed: 41 });
    const out = Buffer.alloc(65_536);
    const lines: string[] = [];
    for (const steps of sessions) {
      const encoder = new HpackEncoder(16_384);
      let tableBytes = 4_096;
      lines.push('n');
      for (const each of steps) {
        if ('ours' in each) {
          const head = Head.response(503);
          for (const [one, text] of each.ours) head.appendText(new FieldName(one), text);
          lines.push(`d ${out.toString('hex', 0, encoder.encode(head, -1, out, 0))}`);
          head.free();
        } else if ('theirs' in each) lines.push(`e ${JSON.stringify([[':status', '201'], ...each.theirs])}`);
        else {
          encoder.onPeerTableBytes(each.tableBytes);
          // hpack 4.2 forgets an update that is followed by one to the same size.
          if (each.tableBytes === tableBytes) continue;
          tableBytes = each.tableBytes;
          lines.push(`t ${each.tableBytes}`);
        }
      }
    }
    const python = findPython('hpack') ?? '';
    const options = { input: `${lines.join('\n')}\n`, timeout: 50_000, maxBuffer: 1 << 28 };
    const answers = execFileSync(python, ['-c', SCRIPT], options).toString('utf8').trim().split('\n');
    let at = 0;
    for (const steps of sessions) {
      const decoder = new HpackDecoder(16_384, LIMITS);
      for (const each of steps) {
        if ('tableBytes' in each) continue;
        const answer: unknown = JSON.parse(answers[at++] ?? 'null');
        if ('ours' in each) assert.deepEqual(answer, [[':status', '503'], ...each.ours]);
        else {
          const head = decoded(decoder, Buffer.from(String(answer), 'hex'), BLOCK.response);
          assert.equal(head.status, 201);
          assert.deepEqual(
            fieldsOf(head),
            each.theirs.map(([one, text]) => `${one}: ${text}`),
          );
          head.free();
        }
      }
    }
    assert.equal(at, answers.length);
  });
});
