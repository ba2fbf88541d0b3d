import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address, Connection } from '../../core/runtime.ts';
import { rawKind } from '../raw/raw-kind.ts';
import { nodeHarness } from '../test/harness.ts';
import { Recorder } from '../test/recorder.ts';

const sockets = rawKind();

for (const { name, runtime, until } of [
  nodeHarness(),
  ...(sockets === null ? [] : [nodeHarness('node, raw handles', { sockets })]),
]) {
  test(`${name}: a connection that nobody redirected was going nowhere else, over IPv4 and IPv6`, async () => {
    const { net } = runtime;
    const known = process.platform === 'linux' && process.getBuiltinModule('node:ffi') !== undefined;
    assert.equal(net.originalDestinations.fault === null, known);
    for (const host of ['127.0.0.1', '::1']) {
      const found: (Address | null)[] = [];
      const accepted: Connection[] = [];
      const listener = await net.listen({ host, port: 0 }, (connection) => {
        accepted.push(connection);
        found.push(net.originalDestinations.of(connection));
        return new Recorder();
      });
      const client = net.connect(listener.address, new Recorder());
      await until('it is accepted', () => accepted.length === 1);
      assert.deepEqual(found, [null]);
      client.destroy('');
      for (const each of accepted) each.destroy('');
      await listener.close();
    }
  });
}
