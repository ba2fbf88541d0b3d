/**
 * The blocks of one connection through our decoder beside the model, and what they make through HTTP/1.1 and through
 * another hop: each arrives as one message that says the same.
 */
import assert from 'node:assert/strict';
import { FRAMING } from '../../../src/http/framing.ts';
import { acceptExpect, acceptRequest } from '../../../src/http/h1/accept-head.ts';
import { scanRequest } from '../../../src/http/h1/scan-request.ts';
import { scanResponse } from '../../../src/http/h1/scan-response.ts';
import { encodeHead, PERSISTENCE } from '../../../src/http/h1/write-head.ts';
import { BLOCK, type Block, COMPRESSION_ERROR, HpackDecoder } from '../../../src/http/h2/hpack/decoder.ts';
import { HpackEncoder } from '../../../src/http/h2/hpack/encoder.ts';
import { Head, UPGRADE_STATE } from '../../../src/http/head.ts';
import type { Rng } from '../driver/rng.ts';
import type { FuzzTarget } from '../driver/target.ts';
import { connection, KINDS } from '../hpack/grammar.ts';
import { ModelDecoder } from '../hpack/model.ts';
import { saidBy, wanted } from '../hpack/said.ts';

const LIMITS = { maxListBytes: 4_000, maxFields: 20 };
const MAX_TABLE_BYTES = [4096, 0, 10_000] as const;
const OUT_BYTES = 65_536;

export const target: FuzzTarget = {
  dictionary: [
    '\r\n',
    '\x82\x86\x84\x41\x01a',
    '\x88',
    '\xbe',
    '\xbf',
    '\xff\x00',
    '\x3f\xe1\x1f',
    '\x20',
    '\x40\x03x-a\x01b',
    '\x10\x03x-a\x01b',
    '\x00\x06cookie\x03a=b',
    '\x00\x0econtent-length\x011',
    '\x00\x02te\x08trailers',
    '\x66\x01a',
    '\x40\x81\xff',
    '\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff',
    '\x7f\xff\xff\xff\x7f',
  ],
  covers: /src\/http\/(h2\/hpack\/[a-z-]+|h1\/(write-head|guarded-fields|framing)|authority)\.ts$/,
  generate: connection,
  run(input, random) {
    const kind = BLOCK[KINDS[String.fromCharCode(input[0] ?? 0) as keyof typeof KINDS] ?? 'request'];
    const maxTableBytes = random.pick(MAX_TABLE_BYTES);
    const model = new ModelDecoder(maxTableBytes);
    const decoder = new HpackDecoder(maxTableBytes, LIMITS);
    const hop = new Hop(random);
    const said: number[] = [];
    for (const text of Buffer.from(input.subarray(1)).toString('latin1').split('\r\n')) {
      const block = Buffer.from(text, 'latin1');
      const head = new Head();
      const result = decoder.decode(block, 0, block.length, head, kind);
      const fields = model.decode(block);
      said.push(result);
      assert.equal(result === COMPRESSION_ERROR, fields === null, 'both can read it, or neither');
      if (fields === null) break;
      assert.equal(decoder.tableBytes, model.size, 'the tables are in step');
      if (result === 0) {
        assert.deepEqual(saidBy(head, kind), wanted(fields, kind));
        hop.relay(head, kind);
        if (kind !== BLOCK.trailers) throughHttp1(head, kind);
      }
      head.free();
    }
    return [...new Set(said)].toSorted((a, b) => a - b).join();
  },
};

/** Another connection that the heads go on to. */
class Hop {
  readonly #encoder: HpackEncoder;
  readonly #decoder = new HpackDecoder(4096, LIMITS);
  readonly #out = Buffer.alloc(OUT_BYTES);

  constructor(random: Rng) {
    this.#encoder = new HpackEncoder(random.pick([4096, 150, 0]));
  }

  relay(head: Head, kind: Block): void {
    // As the router would: what asks for an upgrade may have it.
    if (head.upgrade === UPGRADE_STATE.asked) head.upgrade = UPGRADE_STATE.granted;
    const isTrailers = kind === BLOCK.trailers;
    const end = isTrailers
      ? this.#encoder.encodeTrailers(head, this.#out, 0)
      : this.#encoder.encode(head, head.contentLength, this.#out, 0);
    assert.ok(end <= this.#encoder.bound(head), 'within the bound');
    const next = new Head();
    assert.equal(this.#decoder.decode(this.#out, 0, end, next, kind), 0, 'what we took the next hop takes');
    assert.deepEqual(saidBy(next, kind), saidBy(head, kind));
    assert.equal(next.contentLength, head.contentLength);
    next.free();
  }
}

function throughHttp1(head: Head, kind: Block): void {
  // The connection asks this once it knows whether content follows.
  if (kind === BLOCK.request && acceptExpect(head) !== 0) return;
  const out = Buffer.alloc(OUT_BYTES);
  const end = encodeHead(head, FRAMING.none, -1, PERSISTENCE.unsaid, out, 0);
  const next = new Head();
  const scan = kind === BLOCK.request ? scanRequest : scanResponse;
  assert.equal(scan(next, out, 0, end, 200), end, 'one message');
  next.load(out, 0);
  if (kind === BLOCK.request) {
    assert.equal(acceptRequest(next), 0, 'that HTTP/1.1 takes');
    const line = (each: Head): string[] => [each.methodText, each.pathText, each.authorityText];
    assert.deepEqual(line(next), line(head));
  } else assert.equal(next.status, head.status);
  next.free();
}
