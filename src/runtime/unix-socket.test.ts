/** Connections over a Unix socket: the same as over TCP, and nobody else's. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import type { Connection } from '../core/runtime.ts';
import { unixAddress } from '../core/unix-path.ts';
import { allHarnesses } from './test/harness.ts';
import { Recorder } from './test/recorder.ts';

const folder = mkdtempSync(join(tmpdir(), 'weft-unix-'));
after(() => rmSync(folder, { recursive: true, force: true }));

for (const harness of allHarnesses().filter(({ name }) => name.startsWith('node'))) {
  suite(`Unix sockets, ${harness.name}`, () => {
    const at = unixAddress(join(folder, 's'));
    const { net, rpc } = harness.runtime;

    test('a path is the owner’s alone, carries bytes both ways, and goes with its listener', async () => {
      const listener = await net.listen(at, (connection: Connection) => {
        const server = new Recorder();
        server.onData = (bytes, start, end) => connection.write(bytes, start, end);
        server.onEndDo = () => connection.end();
        return server;
      });
      assert.equal(statSync(at.host).mode & 0o777, 0o600);
      await assert.rejects(
        net.listen(at, () => new Recorder()),
        { code: 'address-in-use', where: at.host },
      );
      const client = new Recorder();
      const connection = net.connect(at, client);
      client.onOpenDo = () => connection.write(new Uint8Array(300_000), 0, 300_000);
      await harness.until('echo', () => client.byteCount === 300_000);
      connection.end();
      await harness.until('closed', () => client.reason === '');
      const lost = new Recorder();
      net.connect(at, lost).destroy('of no use');
      await harness.until('lost', () => lost.reason === 'of no use');
      await listener.close();
      assert.ok(!existsSync(at.host));
      const late = new Recorder();
      net.connect(at, late);
      await harness.until('refused', () => late.reason !== null);
      assert.equal(late.reason, `connect: ENOENT ${at.host}`);
    });

    test('RPC goes over it', async () => {
      const listener = await rpc.serve(at, null, (stream) => ({
        onMessage: (message) => stream.send(message),
        onWritable() {},
        onClose() {},
      }));
      assert.equal(statSync(at.host).mode & 0o777, 0o600);
      const sizes: number[] = [];
      const stream = rpc.open({ address: at, tls: null }, '/a/b', {
        onMessage: (message) => void sizes.push(message.length),
        onWritable() {},
        onClose() {},
      });
      stream.send(new Uint8Array(70_000));
      await harness.until('echo', () => sizes.length === 1);
      assert.deepEqual(sizes, [70_000]);
      stream.destroy();
      await listener.close();
    });
  });
}
