import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OwnAddresses } from './own-addresses.ts';

test('an address of ours is known in every notation that reaches it', () => {
  const own = new OwnAddresses();
  own.add({ host: '127.0.0.1', port: 15001 });
  own.add({ host: '::1', port: 15002 });
  for (const host of ['127.0.0.1', '0.0.0.0', '::ffff:127.0.0.1', '::FFFF:7f00:1', '0:0:0:0:0:ffff:127.0.0.1']) {
    assert.ok(own.has(host, 15001), host);
  }
  for (const host of ['::1', '::', '0:0:0:0:0:0:0:1', '0::1']) assert.ok(own.has(host, 15002), host);
  for (const host of ['127.0.0.2', '::2', 'not an address', '::ffff:7f00:2']) {
    assert.equal(own.has(host, 15001) || own.has(host, 15002), false, host);
  }
  own.remove({ host: '127.0.0.1', port: 15001 });
  assert.equal(own.has('127.0.0.1', 15001), false);
});
