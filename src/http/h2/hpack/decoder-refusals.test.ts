/** Each way in which a block can be wrong, and whether it costs the stream or the connection. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  BAD_CONTENT_LENGTH,
  BAD_FIELD_NAME,
  BAD_FIELD_VALUE,
  BAD_HOST,
  BAD_PSEUDO_FIELD,
  BAD_TARGET,
  BAD_TE,
  CONTENT_NOT_ALLOWED,
  DUPLICATE_CONTENT_LENGTH,
  DUPLICATE_HOST,
  DUPLICATE_PSEUDO_FIELD,
  FORBIDDEN_TRAILER,
  HEAD_TOO_LARGE,
  HOST_CONFLICT,
  HTTP1_FIELD,
  LOOKALIKE_FIELD,
  MISSING_HOST,
  MISSING_PSEUDO_FIELD,
  refusalOf,
  TOO_MANY_FIELDS,
} from '../../h1/refusal.ts';
import { Head } from '../../head.ts';
import { BLOCK, COMPRESSION_ERROR, HpackDecoder } from './decoder.ts';
import { block, decoded, fieldsOf, GET, hex, indexed, LIMITS, literal, sizeUpdate, verdict } from './test/blocks.ts';

type Fields = readonly (readonly [string, string])[];

const without = (name: string): Fields => GET.filter(([each]) => each !== name);
const withValue = (name: string, value: string): Fields =>
  GET.map(([each, old]) => [each, each === name ? value : old]);

describe('a malformed request costs its stream', () => {
  const cases: readonly (readonly [string, number, Fields])[] = [
    ['an upper-case name', BAD_FIELD_NAME, [...GET, ['X-a', '1']]],
    ['an empty name', BAD_FIELD_NAME, [...GET, ['', '1']]],
    ['a space in a name', BAD_FIELD_NAME, [...GET, ['a b', '1']]],
    ['a colon in a name', BAD_FIELD_NAME, [...GET, ['a:b', '1']]],
    ['a CR LF in a name', BAD_FIELD_NAME, [...GET, ['a\r\nb', '1']]],
    ['a NUL in a name', BAD_FIELD_NAME, [...GET, ['a\0', '1']]],
    ['obs-text in a name', BAD_FIELD_NAME, [...GET, ['a\xff', '1']]],
    ['a CR in a value', BAD_FIELD_VALUE, [...GET, ['a', '1\r2']]],
    ['an LF in a value', BAD_FIELD_VALUE, [...GET, ['a', '1\n2']]],
    ['a CR LF at the end of a value', BAD_FIELD_VALUE, [...GET, ['a', '1\r\n']]],
    ['a NUL in a value', BAD_FIELD_VALUE, [...GET, ['a', '1\x002345678']]],
    ['a DEL in a value', BAD_FIELD_VALUE, [...GET, ['a', '12345\x7f']]],
    ['a space before a value', BAD_FIELD_VALUE, [...GET, ['a', ' 1']]],
    ['a tab after a value', BAD_FIELD_VALUE, [...GET, ['a', '1\t']]],
    ['no :method', MISSING_PSEUDO_FIELD, without(':method')],
    ['no :scheme', MISSING_PSEUDO_FIELD, without(':scheme')],
    ['no :path', MISSING_PSEUDO_FIELD, without(':path')],
    ['neither :authority nor Host', MISSING_HOST, without(':authority')],
    ['two :method', DUPLICATE_PSEUDO_FIELD, [[':method', 'GET'], ...GET]],
    ['two :path', DUPLICATE_PSEUDO_FIELD, [[':path', '/'], ...GET]],
    ['two :authority', DUPLICATE_PSEUDO_FIELD, [[':authority', 'a'], ...GET]],
    ['an unknown pseudo-header field', BAD_PSEUDO_FIELD, [...GET, [':foo', '1']]],
    ['a lone colon', BAD_PSEUDO_FIELD, [...GET, [':', '1']]],
    ['an upper-case pseudo-header field', BAD_PSEUDO_FIELD, [[':Method', 'GET'], ...without(':method')]],
    ['a :status', BAD_PSEUDO_FIELD, [...GET, [':status', '200']]],
    ['a pseudo-header field after a field', BAD_PSEUDO_FIELD, [...without(':path'), ['a', '1'], [':path', '/']]],
    ['an empty :path', BAD_TARGET, withValue(':path', '')],
    ['a relative :path', BAD_TARGET, withValue(':path', 'a')],
    ['an absolute :path', BAD_TARGET, withValue(':path', 'http://a/')],
    ['a space in :path', BAD_TARGET, withValue(':path', '/a HTTP/1.1')],
    ['a CR LF in :path', BAD_TARGET, withValue(':path', '/\r\nx: y')],
    ['a fragment in :path', BAD_TARGET, withValue(':path', '/#a')],
    ['an asterisk without OPTIONS', BAD_TARGET, withValue(':path', '*')],
    ['more than an asterisk', BAD_TARGET, withValue(':path', '*a')],
    ['an empty :method', BAD_PSEUDO_FIELD, withValue(':method', '')],
    ['a space in :method', BAD_PSEUDO_FIELD, withValue(':method', 'GET /x HTTP/1.1\r\n')],
    ['another :scheme', BAD_PSEUDO_FIELD, withValue(':scheme', 'ftp')],
    ['a :scheme in upper case', BAD_PSEUDO_FIELD, withValue(':scheme', 'HTTP')],
    ['an empty :authority', BAD_HOST, withValue(':authority', '')],
    ['a user in :authority', BAD_HOST, withValue(':authority', 'u@a')],
    ['a CR LF in :authority', BAD_HOST, withValue(':authority', 'a\r\nx: y')],
    ['a Host that differs', HOST_CONFLICT, [...GET, ['host', 'b']]],
    ['a Host on another port', HOST_CONFLICT, [...GET, ['host', 'a:8080']]],
    ['a malformed Host', BAD_HOST, [...GET, ['host', 'a,b']]],
    ['two Host', DUPLICATE_HOST, [...without(':authority'), ['host', 'a'], ['host', 'a']]],
    ['two Host beside :authority', DUPLICATE_HOST, [...GET, ['host', 'a'], ['host', 'a']]],
    ['Connection', HTTP1_FIELD, [...GET, ['connection', 'close']]],
    ['Keep-Alive', HTTP1_FIELD, [...GET, ['keep-alive', 'timeout=5']]],
    ['Proxy-Connection', HTTP1_FIELD, [...GET, ['proxy-connection', 'close']]],
    ['Transfer-Encoding', HTTP1_FIELD, [...GET, ['transfer-encoding', 'chunked']]],
    ['Upgrade', HTTP1_FIELD, [...GET, ['upgrade', 'websocket']]],
    ['a name that imitates a framing field', LOOKALIKE_FIELD, [...GET, ['content_length', '1']]],
    ['TE beyond trailers', BAD_TE, [...GET, ['te', 'trailers, gzip']]],
    ['TE of something else', BAD_TE, [...GET, ['te', 'gzip']]],
    ['two lengths', DUPLICATE_CONTENT_LENGTH, [...GET, ['content-length', '1'], ['content-length', '1']]],
    ['a list of lengths', BAD_CONTENT_LENGTH, [...GET, ['content-length', '1, 1']]],
    ['a signed length', BAD_CONTENT_LENGTH, [...GET, ['content-length', '+1']]],
    ['an empty length', BAD_CONTENT_LENGTH, [...GET, ['content-length', '']]],
    ['a length of 2^64', BAD_CONTENT_LENGTH, [...GET, ['content-length', '18446744073709551616']]],
    ['TRACE with content', CONTENT_NOT_ALLOWED, [...withValue(':method', 'TRACE'), ['content-length', '1']]],
    ['CONNECT with :path', BAD_PSEUDO_FIELD, withValue(':method', 'CONNECT')],
    ['CONNECT without :authority', MISSING_PSEUDO_FIELD, [[':method', 'CONNECT']]],
    [
      'CONNECT without a port',
      BAD_TARGET,
      [
        [':method', 'CONNECT'],
        [':authority', 'a'],
      ],
    ],
    [
      'CONNECT with an empty port',
      BAD_TARGET,
      [
        [':method', 'CONNECT'],
        [':authority', 'a:'],
      ],
    ],
    ['GET with :protocol', BAD_PSEUDO_FIELD, [...GET, [':protocol', 'websocket']]],
    ['a :protocol of h2c', BAD_PSEUDO_FIELD, [...withValue(':method', 'CONNECT'), [':protocol', 'H2c']]],
    ['a :protocol that is no token', BAD_PSEUDO_FIELD, [...withValue(':method', 'CONNECT'), [':protocol', 'a b']]],
  ];
  for (const [name, refusal, fields] of cases) {
    it(name, () => {
      assert.equal(refusalOf(verdict(block(...fields))).detail, refusalOf(refusal).detail);
      // The same from the dynamic table, in a request of its own after the one that brought it.
      const decoder = new HpackDecoder(4096, LIMITS);
      const first = Buffer.concat(fields.map(([field, value]) => literal(field, value, 0x40)));
      const again = Buffer.concat(fields.map((_, i) => indexed(62 + fields.length - 1 - i)));
      for (const bytes of [first, again]) {
        assert.equal(decoder.decode(bytes, 0, bytes.length, new Head(), BLOCK.request), refusal);
      }
      // The connection goes on.
      assert.equal(decoder.decode(block(...GET), 0, block(...GET).length, new Head(), BLOCK.request), 0);
    });
  }
});

it('an authority that is no host passes where it is not looked at, unless it is no value of a field', () => {
  const path = block(...withValue(':authority', 'tmp%2Fxds.sock'));
  const broken = block(...withValue(':authority', 'a\r\nx: y'));
  const decode = (bytes: Uint8Array, anyAuthority: boolean): number =>
    new HpackDecoder(4096, { ...LIMITS, anyAuthority }).decode(bytes, 0, bytes.length, new Head(), BLOCK.request);
  assert.deepEqual([decode(path, true), decode(path, false), decode(broken, true)], [0, BAD_HOST, BAD_FIELD_VALUE]);
});

describe('a malformed response or trailer section costs its stream', () => {
  const cases: readonly (readonly [string, number, Fields, number])[] = [
    ['no :status', MISSING_PSEUDO_FIELD, [['a', '1']], BLOCK.response],
    [
      'two :status',
      DUPLICATE_PSEUDO_FIELD,
      [
        [':status', '200'],
        [':status', '200'],
      ],
      BLOCK.response,
    ],
    ['a :status of two digits', BAD_PSEUDO_FIELD, [[':status', '20']], BLOCK.response],
    ['a :status of 600', BAD_PSEUDO_FIELD, [[':status', '600']], BLOCK.response],
    ['a :status of 099', BAD_PSEUDO_FIELD, [[':status', '099']], BLOCK.response],
    ['101', BAD_PSEUDO_FIELD, [[':status', '101']], BLOCK.response],
    ['a reason', BAD_PSEUDO_FIELD, [[':status', '200 OK']], BLOCK.response],
    [
      'a :path',
      BAD_PSEUDO_FIELD,
      [
        [':status', '200'],
        [':path', '/'],
      ],
      BLOCK.response,
    ],
    [
      'a split response',
      BAD_FIELD_VALUE,
      [
        [':status', '200'],
        ['a', 'b\r\n\r\nHTTP/1.1 200 OK'],
      ],
      BLOCK.response,
    ],
    [
      'two lengths',
      DUPLICATE_CONTENT_LENGTH,
      [
        [':status', '200'],
        ['content-length', '1'],
        ['content-length', '2'],
      ],
      BLOCK.response,
    ],
    ['trailers with :status', BAD_PSEUDO_FIELD, [[':status', '200']], BLOCK.trailers],
    ['trailers with a length', FORBIDDEN_TRAILER, [['content-length', '1']], BLOCK.trailers],
    ['trailers with Host', FORBIDDEN_TRAILER, [['host', 'a']], BLOCK.trailers],
    ['trailers with Authorization', FORBIDDEN_TRAILER, [['authorization', 'a']], BLOCK.trailers],
    ['trailers with Connection', HTTP1_FIELD, [['connection', 'a']], BLOCK.trailers],
  ];
  for (const [name, refusal, fields, kind] of cases) {
    it(name, () => {
      const is = kind === BLOCK.response ? BLOCK.response : BLOCK.trailers;
      assert.equal(refusalOf(verdict(block(...fields), is)).detail, refusalOf(refusal).detail);
    });
  }
});

describe('a block that cannot be read costs the connection', () => {
  const cases: readonly (readonly [string, Buffer])[] = [
    ['index 0', indexed(0)],
    ['an index past the end', indexed(62)],
    ['a name index past the end', hex('7f 00 01 61')],
    ['an integer without an end', hex('ff ff ff')],
    ['an integer of nine bytes', hex('ff ff ff ff ff ff ff ff 7f')],
    ['an integer padded with zeros', hex('ff 80 80 80 80 80 80 00')],
    ['a string past the end', hex('40 05 61 62')],
    ['a huge string', hex('40 7f ff ff ff 7f 61')],
    ['no value', hex('40 01 61')],
    ['a size update above the bound', sizeUpdate(4097)],
    ['a size update after a field', Buffer.concat([indexed(0x02), sizeUpdate(0)])],
    ['EOS in a string', hex('40 84 ff ff ff ff 01 61')],
    ['a string of padding alone', hex('40 81 ff 01 61')],
    ['padding of zeros', hex('40 81 18 01 61')],
    ['padding of more than seven bits', hex('40 82 1f ff 01 61')],
  ];
  for (const [name, bytes] of cases) {
    it(name, () => assert.equal(verdict(bytes), COMPRESSION_ERROR));
  }

  it('a block that ends anywhere but between two fields', () => {
    const fields = [literal(':path', '/abc', 0x40), indexed(2), literal('a', 'b', 0x10), indexed(6)];
    const whole = Buffer.concat(fields);
    const ends = new Set([0]);
    let at = 0;
    for (const field of fields) ends.add((at += field.length));
    for (let end = 0; end <= whole.length; end++) {
      assert.equal(verdict(whole.subarray(0, end)) === COMPRESSION_ERROR, !ends.has(end), `cut at ${end}`);
    }
  });

  it('a smaller table that was acknowledged and not taken up', () => {
    const get = block(...GET);
    const decoder = new HpackDecoder(0, LIMITS);
    // Until it is acknowledged the peer has the initial size.
    assert.equal(decoder.decode(get, 0, get.length, new Head(), BLOCK.request), 0);
    decoder.onSettingsAcknowledged(0);
    const updated = Buffer.concat([sizeUpdate(0), get]);
    assert.equal(decoder.decode(get, 0, get.length, new Head(), BLOCK.request), COMPRESSION_ERROR);
    assert.equal(decoder.decode(updated, 0, updated.length, new Head(), BLOCK.request), 0);
    assert.equal(decoder.decode(get, 0, get.length, new Head(), BLOCK.request), 0);
    const larger = Buffer.concat([sizeUpdate(1), get]);
    assert.equal(decoder.decode(larger, 0, larger.length, new Head(), BLOCK.request), COMPRESSION_ERROR);
  });
});

describe('a head that is too large is refused and the tables stay in step', () => {
  it('by its fields', () => {
    const limits = { maxListBytes: 65_536, maxFields: 3 };
    assert.equal(verdict(block(...GET, ['a', '1'], ['b', '2']), BLOCK.request, limits), 0);
    assert.equal(verdict(block(...GET, ['a', '1'], ['b', '2'], ['c', '3']), BLOCK.request, limits), TOO_MANY_FIELDS);
  });

  it('by bytes, each field counting 32 more', () => {
    const size = GET.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
    assert.equal(verdict(block(...GET), BLOCK.request, { maxListBytes: size, maxFields: 9 }), 0);
    assert.equal(verdict(block(...GET), BLOCK.request, { maxListBytes: size - 1, maxFields: 9 }), HEAD_TOO_LARGE);
  });

  it('a bomb: an entry of 4 KiB, named ten thousand times', () => {
    const decoder = new HpackDecoder(4096, LIMITS);
    const bomb = Buffer.concat([
      block(...GET),
      literal('x', 'b'.repeat(4000), 0x40),
      Buffer.alloc(10_000, 0x80 | 62),
      literal('later', 'entry', 0x40),
    ]);
    const head = new Head();
    assert.equal(decoder.decode(bomb, 0, bomb.length, head, BLOCK.request), HEAD_TOO_LARGE);
    assert.ok(head.bytes.length <= 131_072, 'nothing was written past the bound');
    const next = Buffer.concat([block(...GET), indexed(62)]);
    assert.deepEqual(fieldsOf(decoded(decoder, next, BLOCK.request)), ['host: a', 'later: entry']);
  });

  it('a literal far above the bound', () => {
    const decoder = new HpackDecoder(4096, { maxListBytes: 1_000, maxFields: 9 });
    const large = Buffer.concat([block(...GET), literal('x', 'b'.repeat(200_000), 0x40), literal('k', 'v', 0x40)]);
    assert.equal(decoder.decode(large, 0, large.length, new Head(), BLOCK.request), HEAD_TOO_LARGE);
    const next = Buffer.concat([block(...GET), indexed(62)]);
    assert.deepEqual(fieldsOf(decoded(decoder, next, BLOCK.request)), ['host: a', 'k: v']);
  });
});
