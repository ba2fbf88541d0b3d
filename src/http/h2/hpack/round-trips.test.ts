/** Any head that goes through a chain of encoders and decoders, by whatever tables, arrives as it left. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { viewOf } from '../../../core/bytes.ts';
import { FieldName } from '../../field-name.ts';
import { FRAMING } from '../../framing.ts';
import { acceptRequest } from '../../h1/accept-head.ts';
import { scanRequest } from '../../h1/scan-request.ts';
import { encodeHead, PERSISTENCE } from '../../h1/write-head.ts';
import { Head } from '../../head.ts';
import { BLOCK, HpackDecoder } from './decoder.ts';
import { HpackEncoder } from './encoder.ts';
import { staticNameIndex } from './static-names.ts';
import { FIRST_DYNAMIC, STATIC_FIELDS } from './static-table.ts';
import { block, decoded, fieldsOf, GET, indexed, LIMITS, literal } from './test/blocks.ts';

const RUNS = { numRuns: 300 };

/** Few names and values, so that they meet again; some long, some secret, some that keep changing. */
const name = fc.oneof(
  fc.constantFrom('accept', 'authorization', 'cookie', 'x-request-id', 'date', 'x-a', 'x-b', 'user-agent', 'via'),
  fc
    .stringMatching(/^[a-z][a-z0-9-]{0,20}$/)
    .filter(
      (text) => !/^(host|te|connection|upgrade|content-length|keep-alive|transfer-encoding|proxy-.*)$/.test(text),
    ),
);
const value = fc.oneof(
  fc.constantFrom('', '1', 'text/html', 'v'.repeat(70), 'w'.repeat(900), 'é=\xff'),
  fc.stringMatching(/^[!-~]([ -~]{0,30}[!-~])?$/),
);
const fields = fc.array(fc.tuple(name, value), { maxLength: 12 });
const path = fc.oneof(fc.constantFrom('/', '/index.html', '/a?b=c'), fc.stringMatching(/^\/[a-z0-9/]{0,40}$/));
const message = fc.record({ method: fc.constantFrom('GET', 'POST', 'PUT', 'PURGE'), path, fields });
const step = fc.oneof(
  { weight: 8, arbitrary: message },
  { weight: 1, arbitrary: fc.record({ tableBytes: fc.constantFrom(0, 40, 200, 1_000, 4_096, 10_000) }) },
);

/** The fields of a head as they must arrive: Cookie in one piece at the end. */
function expected(given: readonly (readonly [string, string])[]): string[] {
  const crumbs = given.filter(([each]) => each === 'cookie');
  const rest = given
    .filter(([each]) => each !== 'cookie' || crumbs.length < 2)
    .map(([each, text]) => `${each}: ${text}`);
  return crumbs.length < 2 ? rest : [...rest, `cookie: ${crumbs.flatMap(([, text]) => text || []).join('; ')}`];
}

function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}

describe('round trips', () => {
  it('a table that is always full, where fields that keep their values drive each other out', () => {
    const out = Buffer.alloc(65_536);
    const encoder = new HpackEncoder(4_096);
    const decoder = new HpackDecoder(4_096, LIMITS);
    const random = seededRandom(7);
    // What 500 requests of a few clients look like that come again and again, in any order.
    const requests = Array.from({ length: 500 }, (_, i) => [
      ['user-agent', `client/${'u'.repeat(90)}${i % 3}`],
      ['cookie', `session=${'c'.repeat(70)}${i}`],
      ['referer', `https://shop.example/catalog/${i * 7}`],
      ['x-tenant', `tenant-${i % 9}`],
      ['cache-control', 'no-cache'],
      ['x-build', `build-${'b'.repeat(40)}-${i % 40}`],
    ]);
    const names = ['user-agent', 'cookie', 'referer', 'x-tenant', 'cache-control', 'x-build'].map(
      (each) => new FieldName(each),
    );
    for (let i = 0; i < 20_000; i++) {
      const head = Head.request('GET', `/items/${i % 100}`, 'shop:80');
      const request = requests[Math.floor(random() * requests.length)] ?? [];
      const sent = names.map((each, at) => {
        const text = request[at]?.[1] ?? '';
        head.appendText(each, text);
        return text;
      });
      const read = decoded(decoder, out.subarray(0, encoder.encode(head, -1, out, 0)), BLOCK.request);
      for (const [at, each] of names.entries()) assert.equal(read.value(each), sent[at], `head ${i}`);
      read.free();
      head.free();
    }
  });

  it('three hops, tables that change, heads that wait', () => {
    const out = Buffer.alloc(65_536);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.boolean(), (steps, waits) => {
        const first = new HpackEncoder(10_000);
        const second = new HpackDecoder(10_000, LIMITS);
        // Two next hops in turn, so that entries are known to more than one encoder.
        const next = [new HpackEncoder(4_096), new HpackEncoder(200)];
        const last = [new HpackDecoder(4_096, LIMITS), new HpackDecoder(4_096, LIMITS)];
        const waiting: (() => void)[] = [];
        for (const [i, each] of steps.entries()) {
          if ('tableBytes' in each) {
            first.onPeerTableBytes(each.tableBytes);
            next[0]?.onPeerTableBytes(Math.min(each.tableBytes, 4_096));
            continue;
          }
          const head = Head.request(each.method, each.path, 'shop:80');
          for (const [one, text] of each.fields) head.appendText(new FieldName(one), text);
          const bytes = Buffer.from(out.subarray(0, first.encode(head, -1, out, 0)));
          assert.ok(bytes.length <= first.bound(head));
          const read = decoded(second, bytes, BLOCK.request);
          const wanted = expected(each.fields);
          assert.deepEqual(fieldsOf(read).slice(1), wanted);
          const relay = (): void => {
            const end = next[i % 2]?.encode(read, -1, out, 0) ?? 0;
            const arrived = decoded(last[i % 2] ?? second, out.subarray(0, end), BLOCK.request);
            assert.deepEqual(
              [arrived.methodText, arrived.pathText, arrived.authorityText, ...fieldsOf(arrived).slice(1)],
              [each.method, each.path, 'shop:80', ...wanted],
            );
          };
          if (waits && i % 3 === 0) waiting.push(relay);
          else relay();
        }
        for (const relay of waiting) relay();
      }),
      RUNS,
    );
  });

  it('an entry that took the place of another is not taken for it', () => {
    const decoder = new HpackDecoder(4096, LIMITS);
    const encoder = new HpackEncoder(4096);
    const last = new HpackDecoder(4096, LIMITS);
    const out = Buffer.alloc(4096);
    const relayed = (head: Head): string[] =>
      fieldsOf(decoded(last, out.subarray(0, encoder.encode(head, -1, out, 0)), BLOCK.request));
    const bring = (user: string): Buffer => Buffer.concat([block(...GET), literal('x-user', user, 0x40)]);
    const again = Buffer.concat([block(...GET), indexed(62)]);
    decoded(decoder, bring('bob'), BLOCK.request);
    const held = decoded(decoder, again, BLOCK.request);
    assert.deepEqual(relayed(held), ['host: a', 'x-user: bob']);
    // Every slot of the table is taken anew, and known to the encoder, while the head waits.
    for (let i = 0; i < 400; i++) {
      decoded(decoder, bring(`admin${i >> 2}`), BLOCK.request);
      assert.deepEqual(relayed(decoded(decoder, again, BLOCK.request)), ['host: a', `x-user: admin${i >> 2}`]);
    }
    assert.deepEqual(relayed(held), ['host: a', 'x-user: bob']);
  });

  it('what came by HTTP/2 is one HTTP/1.1 request with one Host', () => {
    const authority = fc.constantFrom('a', 'a:80', 'shop.example:8080', '[::1]:80');
    const hosts = fc.constantFrom('authority', 'host', 'both');
    fc.assert(
      fc.property(message, authority, hosts, fc.boolean(), (each, to, how, isRepeated) => {
        const lines: [string, string][] = [
          [':method', each.method],
          [':scheme', 'http'],
          [':path', each.path],
        ];
        if (how !== 'host') lines.push([':authority', to]);
        lines.push(...each.fields);
        if (how !== 'authority') lines.push(['host', to]);
        const decoder = new HpackDecoder(4096, LIMITS);
        const bytes = Buffer.concat(lines.map(([one, text]) => literal(one, text, isRepeated ? 0x40 : 0)));
        let read = decoded(decoder, bytes, BLOCK.request);
        if (isRepeated) read = decoded(decoder, bytes, BLOCK.request);
        const out = Buffer.alloc(65_536);
        const end = encodeHead(read, FRAMING.none, -1, PERSISTENCE.unsaid, out, 0);
        const again = new Head();
        assert.equal(scanRequest(again, out, 0, end, 200), end, 'one request');
        again.load(out, 0);
        assert.equal(acceptRequest(again), 0);
        assert.deepEqual([again.methodText, again.pathText, again.authorityText], [each.method, each.path, to]);
        const names = fieldsOf(again).map((line) => line.slice(0, line.indexOf(':')));
        assert.equal(names.filter((one) => one === 'host').length, 1);
        assert.ok(names.filter((one) => one === 'cookie').length <= 1);
      }),
      RUNS,
    );
  });

  it('the table stays within its size whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 20 }), (blocks) => {
        const decoder = new HpackDecoder(300, LIMITS);
        decoder.onSettingsAcknowledged(300);
        for (const bytes of blocks) {
          decoder.decode(bytes, 0, bytes.length, new Head(), BLOCK.trailers);
          assert.ok(decoder.tableBytes >= 0 && decoder.tableBytes <= 4_096);
        }
      }),
      RUNS,
    );
  });
});

describe('the static table', () => {
  it('has each name at its first index', () => {
    for (let index = 1; index < FIRST_DYNAMIC; index++) {
      const text = STATIC_FIELDS[index]?.[0] ?? '';
      if (text.startsWith(':')) continue;
      const { bytes, hash } = new FieldName(text);
      assert.equal(
        staticNameIndex(hash, viewOf(bytes), 0, bytes.length),
        STATIC_FIELDS.findIndex(([each]) => each === text),
      );
    }
  });

  it('does not take a name for another of the same hash', () => {
    const { bytes, hash } = new FieldName('age');
    assert.equal(staticNameIndex(hash, viewOf(Buffer.from('agf')), 0, 3), 0);
    assert.equal(staticNameIndex(hash, viewOf(bytes), 0, 3), 21);
  });
});
