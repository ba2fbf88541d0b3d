import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { addressText } from '../../core/address-range.ts';
import { announcement } from './announcement.ts';

const A = { host: '192.0.2.1', port: 4_000 };
const B = { host: '10.0.0.1', port: 80 };
const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

test('both versions tell of both ends', () => {
  assert.equal(latin1(announcement(1, { source: A, destination: B })), 'PROXY TCP4 192.0.2.1 10.0.0.1 4000 80\r\n');
  const six = { source: { host: '2001:db8::1', port: 1 }, destination: { host: '::1', port: 2 } };
  assert.equal(latin1(announcement(1, six)), 'PROXY TCP6 2001:db8::1 ::1 1 2\r\n');
  const hex = Buffer.from(announcement(2, { source: A, destination: B })).toString('hex');
  assert.equal(hex, '0d0a0d0a000d0a515549540a2111000cc00002010a0000010fa00050');
});

test('where nobody stands behind a connection, or at no address, nothing is made up', () => {
  for (const ends of [
    null,
    { source: A, destination: { host: '::1', port: 80 } },
    { source: { host: '/run/app.sock', port: 0 }, destination: B },
  ]) {
    assert.equal(latin1(announcement(1, ends)), 'PROXY UNKNOWN\r\n');
    assert.equal(Buffer.from(announcement(2, ends)).toString('hex'), '0d0a0d0a000d0a515549540a20000000');
  }
});

test('a header says how long it is', () => {
  const address = fc.oneof(...[4, 16].map((size) => fc.uint8Array({ minLength: size, maxLength: size })));
  const end = fc.record({ host: address.map(addressText), port: fc.nat({ max: 65_535 }) });
  fc.assert(
    fc.property(end, end, (source, destination) => {
      const second = announcement(2, { source, destination });
      assert.equal(Buffer.from(second).readUInt16BE(14), second.length - 16);
      const first = latin1(announcement(1, { source, destination }));
      assert.ok(first.length <= 107 && first.indexOf('\r\n') === first.length - 2);
    }),
  );
});
