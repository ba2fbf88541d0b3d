/** What the encoder puts into the peer's table, what it keeps out, and what it tells about the table's size. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CONTENT_LENGTH, FieldName, UPGRADE } from '../../field-name.ts';
import { FLAGS, FIELD_WIDTH, Head, NEVER_INDEXED, UPGRADE_STATE } from '../../head.ts';
import { BLOCK, HpackDecoder } from './decoder.ts';
import { HpackEncoder } from './encoder.ts';
import { block, decoded, fieldsOf, GET, LIMITS, literal, sizeUpdate } from './test/blocks.ts';

const out = Buffer.alloc(65_536);

function request(fields: Readonly<Record<string, string>>, path = '/'): Head {
  const head = Head.request('GET', path, 'shop');
  for (const [name, value] of Object.entries(fields)) head.appendText(new FieldName(name), value);
  return head;
}

function encoded(encoder: HpackEncoder, head: Head, contentLength = -1): Buffer {
  return Buffer.from(out.subarray(0, encoder.encode(head, contentLength, out, 0)));
}

/** The last field's first byte of a block that holds nothing after it. */
function patternOf(bytes: Buffer, name: string): number {
  const at = bytes.indexOf(Buffer.concat([Buffer.of(name.length), Buffer.from(name)]));
  return at < 1 ? -1 : (bytes[at - 1] ?? -1);
}

describe('what goes into the table', () => {
  it('a field that comes again is one byte', () => {
    const encoder = new HpackEncoder(4096);
    const fields = { 'user-agent': 'curl/8', 'x-tenant': 'acme', accept: '*/*' };
    const first = encoded(encoder, request(fields));
    const second = encoded(encoder, request(fields));
    assert.ok(first.length > 30);
    // Method, scheme, path, authority and the three.
    assert.equal(second.length, 7);
  });

  it('letter case of names does not matter', () => {
    const encoder = new HpackEncoder(4096);
    encoded(encoder, request({ 'x-tenant': 'acme' }));
    const head = request({});
    const at = head.begin(new FieldName('x-tenant'), 4);
    head.bytes.set(Buffer.from('X-TenAnt'), at - 10);
    head.bytes.set(Buffer.from('acme'), at);
    head.seal(at + 4);
    assert.equal(encoded(encoder, head).length, 5);
  });

  it('a value that keeps changing goes as a literal after a few', () => {
    const encoder = new HpackEncoder(4096);
    const decoder = new HpackDecoder(4096, LIMITS);
    const sizes: number[] = [];
    for (let i = 0; i < 40; i++) {
      decoded(
        decoder,
        encoded(encoder, request({ 'x-anything': `value ${i * 7}`, date: `${i}` }, `/items/${i}`)),
        BLOCK.request,
      );
      sizes.push(decoder.tableBytes);
    }
    assert.equal(sizes[39], sizes[8], 'the table came to rest');
    assert.ok((sizes[39] ?? 0) < 700);
  });

  it('and goes into the table when it settles', () => {
    const encoder = new HpackEncoder(4096);
    for (let i = 0; i < 20; i++) encoded(encoder, request({ 'x-anything': `value ${i}` }));
    for (let i = 0; i < 2; i++) encoded(encoder, request({ 'x-anything': 'settled' }));
    assert.equal(encoded(encoder, request({ 'x-anything': 'settled' })).length, 5);
  });

  it('two values in turn are both kept', () => {
    const encoder = new HpackEncoder(4096);
    for (let i = 0; i < 4; i++) encoded(encoder, request({ accept: i % 2 === 0 ? 'text/html' : 'image/png' }));
    assert.equal(encoded(encoder, request({ accept: 'text/html' })).length, 5);
    assert.equal(encoded(encoder, request({ accept: 'image/png' })).length, 5);
  });

  it('nothing larger than a quarter of the table', () => {
    const encoder = new HpackEncoder(4096);
    const decoder = new HpackDecoder(4096, LIMITS);
    decoded(decoder, encoded(encoder, request({})), BLOCK.request);
    const before = decoder.tableBytes;
    for (let i = 0; i < 3; i++)
      decoded(decoder, encoded(encoder, request({ 'x-large': 'v'.repeat(1_100) })), BLOCK.request);
    assert.equal(decoder.tableBytes, before);
  });
});

describe('what never goes into a table', () => {
  for (const [name, value] of [
    ['authorization', 'Bearer abc'],
    ['cookie', 'a=1'],
    ['set-cookie', 'a=1; Path=/'],
    ['x-api-key', 'k'],
  ] as const) {
    it(`${name}, and the next hop is told`, () => {
      const encoder = new HpackEncoder(4096);
      const decoder = new HpackDecoder(4096, LIMITS);
      for (let i = 0; i < 3; i++) {
        const head = decoded(decoder, encoded(encoder, request({ [name]: value })), BLOCK.request);
        assert.deepEqual(fieldsOf(head), ['host: shop', `${name}: ${value}`]);
        assert.equal((head.fields[FIELD_WIDTH + FLAGS] ?? 0) & NEVER_INDEXED, NEVER_INDEXED);
      }
    });
  }

  it('a field that came never indexed stays so through the proxy', () => {
    const decoder = new HpackDecoder(4096, LIMITS);
    const encoder = new HpackEncoder(4096);
    for (let i = 0; i < 3; i++) {
      const head = decoded(decoder, Buffer.concat([block(...GET), literal('x-secret', 's', 0x10)]), BLOCK.request);
      assert.equal(patternOf(encoded(encoder, head), 'x-secret'), 0x10);
    }
  });

  it('a long cookie may', () => {
    const encoder = new HpackEncoder(4096);
    const cookie = `session=${'5'.repeat(60)}`;
    encoded(encoder, request({ cookie }));
    assert.equal(encoded(encoder, request({ cookie })).length, 5);
  });
});

describe('fields of this hop', () => {
  it('stay behind; Host becomes :authority and the length is the one that the codec says', () => {
    const head = request({ connection: 'x', 'transfer-encoding': 'chunked', te: 'trailers', 'x-kept': '1' });
    head.appendText(CONTENT_LENGTH, '77');
    const read = decoded(new HpackDecoder(4096, LIMITS), encoded(new HpackEncoder(4096), head, 5), BLOCK.request);
    assert.deepEqual(fieldsOf(read), ['host: shop', 'te: trailers', 'x-kept: 1', 'content-length: 5']);
    assert.equal(read.contentLength, 5);
  });

  it('a granted upgrade is an extended CONNECT and comes back as the upgrade that it was', () => {
    const head = request({ 'sec-websocket-version': '13' }, '/chat');
    head.appendText(UPGRADE, 'websocket');
    head.upgrade = UPGRADE_STATE.granted;
    const bytes = encoded(new HpackEncoder(4096), head);
    assert.ok(bytes.includes('CONNECT') && bytes.includes(':protocol') && !bytes.includes('upgrade'));
    const read = decoded(new HpackDecoder(4096, LIMITS), bytes, BLOCK.request);
    assert.deepEqual(
      [read.methodText, read.pathText, read.authorityText, read.upgrade, read.value(UPGRADE)],
      ['GET', '/chat', 'shop', UPGRADE_STATE.asked, 'websocket'],
    );
  });

  it('a Host of a response is a field like others', () => {
    const head = Head.response(200);
    head.appendText(new FieldName('host'), 'a');
    const read = decoded(new HpackDecoder(4096, LIMITS), encoded(new HpackEncoder(4096), head), BLOCK.response);
    assert.deepEqual(fieldsOf(read), ['host: a']);
  });

  it('a granted 101 is a 200', () => {
    const head = Head.response(101);
    head.upgrade = UPGRADE_STATE.granted;
    assert.deepEqual([...encoded(new HpackEncoder(4096), head)], [0x88]);
  });

  it('an OPTIONS for the whole server, and CONNECT', () => {
    const decoder = new HpackDecoder(4096, LIMITS);
    const encoder = new HpackEncoder(4096);
    const options = decoded(decoder, encoded(encoder, Head.request('OPTIONS', '*', 'shop')), BLOCK.request);
    assert.deepEqual([options.methodText, options.pathText], ['OPTIONS', '*']);
    const connect = decoded(decoder, encoded(encoder, Head.request('CONNECT', '', 'shop:443')), BLOCK.request);
    assert.deepEqual([connect.methodText, connect.authorityText, connect.scheme], ['CONNECT', 'shop:443', null]);
  });
});

describe("the table's size", () => {
  const first = (encoder: HpackEncoder): Buffer => encoded(encoder, request({}));
  const startsWith = (bytes: Buffer, ...updates: number[]): void => {
    const prefix = Buffer.concat(updates.map(sizeUpdate));
    assert.deepEqual(bytes.subarray(0, prefix.length), prefix);
    assert.notEqual((bytes[prefix.length] ?? 0) & 0xe0, 0x20, 'no further update');
  };

  it('is the initial one until the peer says otherwise', () => startsWith(first(new HpackEncoder(4096))));

  it('is told once when the peer changes it', () => {
    const encoder = new HpackEncoder(4096);
    first(encoder);
    encoder.onPeerTableBytes(100);
    startsWith(first(encoder), 100);
    startsWith(first(encoder));
  });

  it('is capped by us, which is told as well', () => {
    startsWith(first(new HpackEncoder(1_000)), 1_000);
    const encoder = new HpackEncoder(8_192);
    encoder.onPeerTableBytes(1_000_000);
    startsWith(first(encoder), 8_192);
  });

  it('that fell and rose between two blocks is told twice', () => {
    const encoder = new HpackEncoder(4096);
    first(encoder);
    for (const bytes of [2_000, 0, 4_096]) encoder.onPeerTableBytes(bytes);
    startsWith(first(encoder), 0, 4_096);
    startsWith(first(encoder));
  });

  it('of 0 leaves nothing but literals', () => {
    const encoder = new HpackEncoder(0);
    const decoder = new HpackDecoder(0, LIMITS);
    for (let i = 0; i < 3; i++) decoded(decoder, encoded(encoder, request({ accept: '*/*' })), BLOCK.request);
    assert.equal(decoder.tableBytes, 0);
  });
});
