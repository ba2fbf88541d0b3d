import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { addressBytes, addressText } from '../../core/address-range.ts';
import type { ProxyHeaderConfig } from '../../snapshot/snapshot.ts';
import { MAX_HEADER_BYTES, readProxyHeader, TOO_LONG } from './proxy-header.ts';

const BOTH: ProxyHeaderConfig = { optional: false, versions: [1, 2] };
const OPTIONAL: ProxyHeaderConfig = { ...BOTH, optional: true };
const SIGNATURE = '\r\n\r\n\0\r\nQUIT\n';

const bytes = (text: string) => Buffer.from(text, 'latin1');

function binary(command: number, family: number, body: Uint8Array): Buffer {
  const fixed = Buffer.from([command, family, body.length >> 8, body.length & 0xff]);
  return Buffer.concat([bytes(SIGNATURE), fixed, body]);
}

function endsOf(text: string | Uint8Array, config = BOTH): string {
  const read = readProxyHeader(typeof text === 'string' ? bytes(text) : text, config);
  if (read.kind !== 'header') return read.kind === 'wrong' ? read.why : read.kind;
  const { ends } = read.header;
  if (ends === null) return 'its own';
  return `${ends.source.host} ${ends.source.port} → ${ends.destination.host} ${ends.destination.port}`;
}

test('both versions tell of both ends', () => {
  assert.equal(endsOf('PROXY TCP4 192.0.2.1 10.0.0.1 4000 80\r\nGET'), '192.0.2.1 4000 → 10.0.0.1 80');
  assert.equal(endsOf('PROXY TCP6 2001:db8::1 fd00::0:1 1 65535\r\n'), '2001:db8::1 1 → fd00::1 65535');
  const four = Buffer.from([192, 0, 2, 1, 10, 0, 0, 1, 15, 160, 0, 80]);
  assert.equal(endsOf(binary(0x21, 0x11, four)), '192.0.2.1 4000 → 10.0.0.1 80');
  assert.equal(
    endsOf(binary(0x21, 0x11, Buffer.concat([four, Buffer.from([4, 0, 1, 7, 1, 0, 0])]))),
    '192.0.2.1 4000 → 10.0.0.1 80',
  );
});

test('LOCAL and UNKNOWN leave a connection its own ends', () => {
  assert.equal(endsOf('PROXY UNKNOWN\r\n'), 'its own');
  assert.equal(endsOf('PROXY UNKNOWN ::1 ::2 x y z\r\n'), 'its own');
  assert.equal(endsOf(binary(0x20, 0, Buffer.alloc(7, 0xff))), 'its own');
});

test('what is half right is refused', () => {
  for (const text of [
    'PROXY TCP4 192.0.2.1 10.0.0.1 4000\r\n',
    'PROXY TCP4 192.0.2.1 10.0.0.1 4000 80 \r\n',
    'PROXY TCP4 192.0.2.1 10.0.0.1 4000 080\r\n',
    'PROXY TCP4 192.0.2.1 10.0.0.1 4000 65536\r\n',
    'PROXY TCP4 192.0.2.1 10.0.0.1 -1 80\r\n',
    'PROXY TCP4 192.0.2.256 10.0.0.1 4000 80\r\n',
    'PROXY TCP4 ::1 ::2 4000 80\r\n',
    'PROXY TCP4  192.0.2.1 10.0.0.1 4000 80\r\n',
    'PROXY TCP6 192.0.2.1 10.0.0.1 4000 80\r\n',
    'PROXY TCP6 fe80::1%eth0 ::2 4000 80\r\n',
    'PROXY TCP4 0.0.0.0 10.0.0.1 4000 80\r\n',
    'PROXY TCP4 255.255.255.255 10.0.0.1 4000 80\r\n',
    'PROXY TCP4 192.0.2.1 224.0.0.1 4000 80\r\n',
    'PROXY TCP6 :: ::1 4000 80\r\n',
    'PROXY TCP6 ff02::1 ::1 4000 80\r\n',
  ]) {
    assert.match(endsOf(text), /has no two addresses and ports|is nobody’s/, text);
  }
  assert.match(endsOf('PROXY TCP4 192.0.2.1 10.0.0.1 4000 80\n'), /without CR/);
  assert.match(endsOf('PROXY tcp4 192.0.2.1 10.0.0.1 4000 80\r\n'), /family/);
  assert.match(endsOf(`PROXY UNKNOWN ${'x'.repeat(200)}\r\n`), /too long/);
  assert.match(endsOf(`PROXY ${'x'.repeat(200)}`), /does not end/);
  const four = Buffer.from([192, 0, 2, 1, 10, 0, 0, 1, 15, 160, 0, 80]);
  assert.match(endsOf(binary(0x11, 0x11, four)), /version 1/);
  assert.match(endsOf(binary(0x22, 0x11, four)), /command 2/);
  assert.match(endsOf(binary(0x21, 0x00, four)), /family 0/);
  assert.match(endsOf(binary(0x21, 0x31, Buffer.alloc(216, 1))), /family 3/);
  assert.match(endsOf(binary(0x21, 0x21, four)), /shorter/);
  for (const end of [[1], [1, 0], [1, 0, 1], [1, 0, 2, 0]]) {
    assert.match(endsOf(binary(0x21, 0x11, Buffer.concat([four, Buffer.from(end)]))), /within a value/);
  }
});

test('a header that claims to be long is refused before it is held', () => {
  const length = MAX_HEADER_BYTES - 15;
  const claim = Buffer.concat([bytes(SIGNATURE), Buffer.from([0x21, 0x11, length >> 8, length & 0xff])]);
  assert.equal(endsOf(claim), TOO_LONG);
});

test('without a header a connection is refused, or taken where it may come without one', () => {
  assert.match(endsOf('GET / HTTP/1.1\r\n\r\n'), /does not begin/);
  assert.equal(endsOf('GET / HTTP/1.1\r\n\r\n', OPTIONAL), 'none');
  assert.equal(endsOf('P', OPTIONAL), 'more');
  assert.equal(endsOf('\r\n\r\n\0', OPTIONAL), 'more');
  assert.equal(endsOf('PUT / HTTP/1.1', OPTIONAL), 'none');
});

test('a version that is not taken is refused, or not looked at where no header need come', () => {
  const line = 'PROXY TCP4 192.0.2.1 10.0.0.1 4000 80\r\n';
  assert.match(endsOf(line, { ...BOTH, versions: [2] }), /version 1 .* is not taken/);
  assert.match(endsOf(binary(0x20, 0, Buffer.alloc(0)), { ...BOTH, versions: [1] }), /version 2 .* is not taken/);
  assert.equal(endsOf(line, { ...OPTIONAL, versions: [2] }), 'none');
});

const four = fc.uint8Array({ minLength: 4, maxLength: 4 }).filter(([first = 0]) => first > 0 && first < 224);
const six = fc.uint8Array({ minLength: 16, maxLength: 16 }).filter(([first = 0]) => first > 0 && first < 0xff);
const pair = fc.oneof(fc.tuple(four, four), fc.tuple(six, six));
const port = fc.nat({ max: 65_535 });
const tlvs = fc.array(fc.tuple(fc.nat({ max: 255 }), fc.uint8Array({ maxLength: 40 })), { maxLength: 5 });

test('what a sender writes is what is read, however it is cut, and nothing behind it counts', () => {
  fc.assert(
    fc.property(
      pair,
      port,
      port,
      tlvs,
      fc.boolean(),
      fc.uint8Array({ maxLength: 9 }),
      ([from, to], a, b, more, line, rest) => {
        const header = line
          ? bytes(`PROXY ${from.length === 4 ? 'TCP4' : 'TCP6'} ${addressText(from)} ${addressText(to)} ${a} ${b}\r\n`)
          : binary(
              0x21,
              from.length === 4 ? 0x11 : 0x21,
              Buffer.concat([
                from,
                to,
                Buffer.from([a >> 8, a & 0xff, b >> 8, b & 0xff]),
                ...more.map(([type, value]) => Buffer.concat([Buffer.from([type, 0, value.length]), value])),
              ]),
            );
        for (let end = 1; end < header.length; end++) {
          assert.equal(readProxyHeader(header.subarray(0, end), BOTH).kind, 'more', `${end} of ${header.length}`);
        }
        const expected = {
          kind: 'header',
          header: {
            length: header.length,
            version: line ? 1 : 2,
            ends: { source: { host: addressText(from), port: a }, destination: { host: addressText(to), port: b } },
          },
        };
        assert.deepEqual(readProxyHeader(header, BOTH), expected);
        assert.deepEqual(readProxyHeader(Buffer.concat([header, rest]), BOTH), expected);
      },
    ),
  );
});

test('an address has one text, which is read back', () => {
  const zeros = fc
    .array(fc.constantFrom(0, 0, 1, 255), { minLength: 16, maxLength: 16 })
    .map((all) => Uint8Array.from(all));
  fc.assert(
    fc.property(fc.oneof(four, six, zeros), (address) => {
      const text = addressText(address);
      assert.equal(addressText(addressBytes(text) ?? new Uint8Array(4)), text);
      const url = new URL(address.length === 4 || !text.includes(':') ? `http://${text}` : `http://[${text}]`);
      assert.equal(url.hostname.replace(/[[\]]/g, ''), text);
    }),
  );
});
