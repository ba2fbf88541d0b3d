/** The examples of RFC 7541 appendix C, with the table sizes that they state. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NEVER_INDEXED, FLAGS, type Head } from '../../head.ts';
import { BLOCK, HpackDecoder } from './decoder.ts';
import { putInteger } from './integer.ts';
import { decoded, fieldsOf, hex, LIMITS, sizeUpdate } from './test/blocks.ts';

const requestLine = (head: Head): string => `${head.methodText} ${head.scheme} ${head.authorityText} ${head.pathText}`;

describe('RFC 7541 appendix C', () => {
  it('C.1: integers', () => {
    const out = Buffer.alloc(8);
    assert.equal(out.toString('hex', 0, putInteger(out, 0, 10, 0x1f, 0)), '0a');
    assert.equal(out.toString('hex', 0, putInteger(out, 0, 1337, 0x1f, 0)), '1f9a0a');
    assert.equal(out.toString('hex', 0, putInteger(out, 0, 42, 0xff, 0)), '2a');
  });

  it('C.2: literals with and without indexing, and never indexed', () => {
    const decoder = new HpackDecoder(4096, LIMITS);
    const kept = decoded(
      decoder,
      hex('400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572'),
      BLOCK.trailers,
    );
    assert.deepEqual(fieldsOf(kept), ['custom-key: custom-header']);
    assert.equal(decoder.tableBytes, 55);
    const never = decoded(decoder, hex('1008 7061 7373 776f 7264 0673 6563 7265 74'), BLOCK.trailers);
    assert.deepEqual(fieldsOf(never), ['password: secret']);
    assert.equal((never.fields[FLAGS] ?? 0) & NEVER_INDEXED, NEVER_INDEXED);
    assert.equal(decoder.tableBytes, 55);
  });

  const requests = {
    'C.3: requests without Huffman coding': [
      '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '8286 84be 5808 6e6f 2d63 6163 6865',
      '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
    ],
    'C.4: requests with Huffman coding': [
      '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
      '8286 84be 5886 a8eb 1064 9cbf',
      '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
    ],
  };
  for (const [name, blocks] of Object.entries(requests)) {
    it(name, () => {
      const decoder = new HpackDecoder(4096, LIMITS);
      const host = 'host: www.example.com';
      const seen = blocks.map((text) => {
        const head = decoded(decoder, hex(text), BLOCK.request);
        return [requestLine(head), fieldsOf(head), decoder.tableBytes];
      });
      assert.deepEqual(seen, [
        ['GET http www.example.com /', [host], 57],
        ['GET http www.example.com /', [host, 'cache-control: no-cache'], 110],
        ['GET https www.example.com /index.html', [host, 'custom-key: custom-value'], 164],
      ]);
    });
  }

  const responses = {
    'C.5: responses without Huffman coding, and eviction': [
      '4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d' +
        '546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '4803 3330 37c1 c0bf',
      '88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f' +
        '6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b' +
        '2076 6572 7369 6f6e 3d31',
    ],
    'C.6: responses with Huffman coding, and eviction': [
      '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7' +
        '8f0b 97c8 e9ae 82ae 43d3',
      '4883 640e ffc1 c0bf',
      '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335' +
        'dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
    ],
  };
  for (const [name, blocks] of Object.entries(responses)) {
    it(name, () => {
      const decoder = new HpackDecoder(4096, LIMITS);
      const prefix = sizeUpdate(256);
      const seen = blocks.map((text, i) => {
        const head = decoded(decoder, i === 0 ? Buffer.concat([prefix, hex(text)]) : hex(text), BLOCK.response);
        return [head.status, fieldsOf(head), decoder.tableBytes];
      });
      const common = [
        'cache-control: private',
        'date: Mon, 21 Oct 2013 20:13:21 GMT',
        'location: https://www.example.com',
      ];
      assert.deepEqual(seen, [
        [302, common, 222],
        [307, common, 222],
        [
          200,
          [
            'cache-control: private',
            'date: Mon, 21 Oct 2013 20:13:22 GMT',
            'location: https://www.example.com',
            'content-encoding: gzip',
            'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
          ],
          215,
        ],
      ]);
    });
  }
});
