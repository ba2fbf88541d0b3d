import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FieldName } from '../../field-name.ts';
import { Head } from '../../head.ts';
import { BLOCK, HpackDecoder } from './decoder.ts';
import { HpackEncoder } from './encoder.ts';

const LIMITS = { maxListBytes: 65_536, maxFields: 100 };

function hex(text: string): Uint8Array {
  return Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
}

function fieldsOf(head: Head): string[] {
  const out: string[] = [];
  for (let i = 0; i < head.count; i++) if (!head.isRemoved(i)) out.push(`${head.nameText(i)}: ${head.text(i)}`);
  return out;
}

test('RFC 7541 C.4: requests with Huffman', () => {
  const decoder = new HpackDecoder(4096, LIMITS);
  const blocks = [
    '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
    '8286 84be 5886 a8eb 1064 9cbf',
    '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
  ];
  const sizes = [57, 110, 164];
  const host = 'host: www.example.com';
  const heads = [[host], [host, 'cache-control: no-cache'], [host, 'custom-key: custom-value']];
  for (const [i, text] of blocks.entries()) {
    const block = hex(text);
    const head = new Head();
    assert.equal(decoder.decode(block, 0, block.length, head, BLOCK.request), 0);
    assert.equal(head.authorityText, 'www.example.com');
    assert.equal(decoder.tableBytes, sizes[i]);
    assert.deepEqual(fieldsOf(head), heads[i]);
  }
});

test('a head goes around', () => {
  const decoder = new HpackDecoder(4096, LIMITS);
  const encoder = new HpackEncoder(4096);
  const again = new HpackEncoder(4096);
  const decoder2 = new HpackDecoder(4096, LIMITS);
  const out = Buffer.alloc(65536);
  for (let round = 0; round < 6; round++) {
    const head = Head.request('PUT', '/a/b', 'shop:80');
    head.appendText(new FieldName('User-Agent'), 'curl');
    head.appendText(new FieldName('Authorization'), 'secret');
    head.appendText(new FieldName('x-request-id'), `id ${round}`);
    head.appendText(new FieldName('x-changing'), `id ${round}`);
    const end = encoder.encode(head, 12, out, 0);
    const read = new Head();
    assert.equal(decoder.decode(out, 0, end, read, BLOCK.request), 0);
    assert.deepEqual(fieldsOf(read).slice(1, 4), [
      'user-agent: curl',
      'authorization: secret',
      `x-request-id: id ${round}`,
    ]);
    assert.equal(read.contentLength, 12);
    const end2 = again.encode(read, 12, out, 0);
    const read2 = new Head();
    assert.equal(decoder2.decode(out, 0, end2, read2, BLOCK.request), 0);
    assert.deepEqual(fieldsOf(read2), fieldsOf(read));
  }
});
