import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressBytes, inRange } from '../../core/address-range.ts';
import { readAddressRange } from './address-range.ts';

function holds(range: string, address: string): boolean {
  const [addressPrefix = '', bits = ''] = range.split('/');
  return inRange(readAddressRange('r', { addressPrefix, prefixLen: Number(bits) }), addressBytes(address));
}

test('an address is in a range when the bits of the prefix are its own', () => {
  for (const [range, inside, outside] of [
    ['10.0.0.0/8', '10.255.0.1', '11.0.0.1'],
    ['10.1.2.3/32', '10.1.2.3', '10.1.2.2'],
    ['10.1.2.128/25', '10.1.2.200', '10.1.2.127'],
    ['0.0.0.0/0', '255.1.2.3', '::1'],
    ['2001:db8::/33', '2001:db8:7fff::1', '2001:db8:8000::1'],
    ['::1/128', '::1', '::2'],
    ['fe80::/10', 'fe80::1%eth0', 'fec0::1'],
    ['::ffff:10.0.0.0/104', '10.9.9.9', '11.0.0.0'],
    ['10.0.0.0/8', '::ffff:10.2.3.4', '::ffff:0b02:304'],
  ] as const) {
    assert.equal(holds(range, inside), true, `${inside} in ${range}`);
    assert.equal(holds(range, outside), false, `${outside} in ${range}`);
  }
});

test('what is no address is in no range', () => {
  for (const text of [
    '',
    'localhost',
    '1.2.3',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4::',
    '1.2.3.00',
    '1::2::3',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    'g::',
  ]) {
    assert.equal(addressBytes(text), null, text);
    assert.equal(holds('0.0.0.0/0', text), false);
  }
});

test('a prefix that is longer than its address, or cuts into the mapping of IPv4, is refused', () => {
  for (const range of ['10.0.0.0/33', '::/129', '::ffff:10.0.0.0/95'])
    assert.throws(() => holds(range, '::'), /prefix length/);
});
