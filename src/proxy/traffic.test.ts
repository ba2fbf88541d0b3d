import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  answerWith,
  get,
  ok,
  type RawPeer,
  responseOf,
  type SimMesh,
  startMesh,
  svidOf,
  TCP_PORT,
} from '../../test/support/sim-mesh.ts';

/** Sends a request each `everyMs` over a few kept-alive connections, each anew when it is closed; counts what fails. */
function load(
  mesh: SimMesh,
  clients: number,
  everyMs: number,
  untilMs: number,
): { done: number; failed: string[]; lost: number } {
  const result = { done: 0, failed: [] as string[], lost: 0 };
  const next = (peer: RawPeer, n: number): void => {
    if (mesh.sim.nowMs > untilMs) {
      peer.connection.destroy('');
      return;
    }
    if (peer.closed !== null || peer.ended) {
      peer.connection.destroy('');
      next(mesh.connect(), n);
      return;
    }
    peer.take(peer.bytes.length);
    let over = false;
    peer.onText = () => {
      const response = responseOf(peer);
      if (response === null) {
        if (peer.ended && !over) result.lost++;
        return;
      }
      if (over) return;
      over = true;
      result.done++;
      if (response.status !== 200) result.failed.push(`${response.status} ${response.body}`);
      const closes = /^connection: close/im.test(response.head);
      mesh.sim.after(everyMs, () => {
        if (closes) peer.connection.destroy('');
        next(closes ? mesh.connect() : peer, n + 1);
      });
    };
    peer.send(get(`/${n}`));
  };
  for (let i = 0; i < clients; i++) next(mesh.connect(), 0);
  return result;
}

test('draining one instance while requests flow fails none, and empties it', async () => {
  const mesh = await startMesh({ seed: 21, instances: 2 });
  const result = load(mesh, 6, 3, 4_000);
  await mesh.sim.run(undefined, 1_000);
  const [leaving] = mesh.services;
  assert.ok(leaving !== undefined);
  mesh.configure({ instances: [1] });
  let drained = false;
  void leaving.plane.drain(5_000).then(() => {
    drained = true;
  });
  await mesh.sim.run(() => drained, 2_000);
  assert.ok(drained);
  const inbound = leaving.plane.listeners.active.filter(({ config }) => config.direction === 'inbound');
  assert.equal(
    inbound.reduce((sum, { connections }) => sum + connections, 0),
    0,
  );
  leaving.runtime.kill();
  await mesh.sim.run(undefined, 3_000);
  assert.deepEqual(result.failed, []);
  assert.equal(result.lost, 0);
  assert.ok(result.done > 1_000, String(result.done));
});

test('an instance that is killed takes no request with it but what was in flight and may not be repeated', async () => {
  const mesh = await startMesh({ seed: 22, instances: 3 });
  const result = load(mesh, 6, 3, 3_000);
  await mesh.sim.run(undefined, 1_000);
  mesh.services[2]?.runtime.kill();
  await mesh.sim.run(undefined, 2_500);
  assert.deepEqual(result.failed, []);
  assert.equal(result.lost, 0);
});

test('renewed identities cut nothing: new connections carry the new one, old ones end after what they carry', async () => {
  const mesh = await startMesh({ seed: 23 });
  const result = load(mesh, 4, 3, 4_000);
  const slow = mesh.connect();
  for (let i = 0; i < 6; i++) {
    await mesh.sim.run(undefined, 500);
    if (i === 1) slow.send('POST /slow HTTP/1.1\r\nhost: catalog\r\ncontent-length: 10\r\n\r\n12345');
    mesh.webSvid.set(await svidOf('web', `web ${i}`));
    mesh.services[0]?.svid.set(await svidOf('catalog', `catalog ${i}`));
  }
  slow.send('67890');
  await mesh.sim.run(() => responseOf(slow) !== null, 2_000);
  assert.equal(responseOf(slow)?.status, 200);
  await mesh.sim.run(undefined, 1_500);
  assert.deepEqual(result.failed, []);
  assert.equal(result.lost, 0);
  assert.ok(result.done > 500);
});

test('a slow reader slows its writer: what waits between them is bounded', async () => {
  const total = 32 * 1024 * 1024;
  const chunk = Buffer.alloc(65_536, 'x');
  const mesh = await startMesh({
    seed: 24,
    app: (peer) =>
      answerWith(peer, () => {
        let left = total;
        const more = (): void => {
          while (left > 0 && peer.connection.backlog <= 65_536) {
            const size = Math.min(left, chunk.length);
            left -= size;
            peer.send(chunk.subarray(0, size));
          }
        };
        peer.onDrained = more;
        peer.send(`HTTP/1.1 200 OK\r\ncontent-length: ${total}\r\n\r\n`);
        mesh.sim.after(0, more);
        return null;
      }),
  });
  const peer = mesh.connect();
  peer.send(get('/big'));
  let got = 0;
  peer.onText = () => {
    got += peer.bytes.length;
    peer.take(peer.bytes.length);
    peer.connection.pause();
    mesh.sim.after(2, () => peer.connection.resume());
  };
  await mesh.sim.run(() => got > total / 4, 60_000);
  const peak = mesh.sim.network.peakBacklogBytes;
  assert.ok(peak < 512 * 1024, `${peak} bytes waited in one direction of one connection`);
  await mesh.sim.run(() => got >= total, 600_000);
  assert.ok(got > total);
});

test('a slow upstream slows an upload', async () => {
  const total = 8 * 1024 * 1024;
  let got = 0;
  const mesh = await startMesh({
    seed: 25,
    app: (peer) => {
      peer.onText = () => {
        got += peer.bytes.length;
        peer.take(peer.bytes.length);
        if (got >= total) peer.send(ok('thanks'));
        peer.connection.pause();
        mesh.sim.after(2, () => peer.connection.resume());
      };
    },
  });
  const peer = mesh.connect();
  const chunk = Buffer.alloc(65_536, 'x');
  let left = total;
  const more = (): void => {
    while (left > 0 && peer.connection.backlog <= 65_536) {
      left -= chunk.length;
      peer.send(chunk);
    }
  };
  peer.onDrained = more;
  peer.send(`PUT /big HTTP/1.1\r\nhost: catalog\r\ncontent-length: ${total}\r\n\r\n`);
  more();
  await mesh.sim.run(() => responseOf(peer) !== null, 600_000);
  assert.equal(responseOf(peer)?.body, 'thanks');
  const peak = mesh.sim.network.peakBacklogBytes;
  assert.ok(peak < 512 * 1024, `${peak} bytes`);
});

const splits = fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 30 });

test('a body that is echoed comes back whole, or visibly not at all, whatever the network does', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      splits,
      fc.boolean(),
      fc.constantFrom(0, 0.002, 0.02),
      async (seed, parts, chunked, resetRate) => {
        const mesh = await startMesh({
          seed,
          link: { latencyMs: 1, jitterMs: 5, lossRate: 0.01, resetRate },
          app: (peer) => echo(peer, chunked),
        });
        const body = Buffer.from(parts.map((size, i) => String.fromCharCode(97 + (i % 26)).repeat(size)).join(''));
        const peer = mesh.connect();
        const framing = chunked ? 'transfer-encoding: chunked' : `content-length: ${body.length}`;
        peer.send(`PUT /echo HTTP/1.1\r\nhost: catalog\r\n${framing}\r\n\r\n`);
        let at = 0;
        for (const [i, size] of parts.entries()) {
          const part = body.subarray(at, at + size);
          at += size;
          mesh.sim.after(i * 2, () => {
            peer.send(chunked ? `${size.toString(16)}\r\n${part.toString('latin1')}\r\n` : part);
            if (chunked && i === parts.length - 1) peer.send('0\r\n\r\n');
          });
        }
        await mesh.sim.run(() => responseOf(peer) !== null || peer.closed !== null, 60_000);
        const response = responseOf(peer);
        if (response === null || response.status !== 200) {
          assert.ok(resetRate > 0, `failed without a reset: ${response?.status} ${response?.body} ${peer.closed}`);
          return;
        }
        assert.equal(response.body, body.toString('latin1'));
      },
    ),
    { numRuns: 60 },
  );
});

test('a TCP connection carries all bytes both ways and ends in halves, or its end says that it was cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), splits, fc.constantFrom(0, 0.01), async (seed, parts, resetRate) => {
      const mesh = await startMesh({
        seed,
        link: { latencyMs: 1, jitterMs: 5, resetRate },
        app: (peer) => {
          peer.onText = () => {
            if (peer.bytes.length > 0) peer.send(peer.bytes);
            peer.take(peer.bytes.length);
            if (peer.ended && !peer.connection.closed) peer.connection.end();
          };
        },
      });
      const body = Buffer.from(parts.map((size, i) => String.fromCharCode(97 + (i % 26)).repeat(size)).join(''));
      const peer = mesh.connect(TCP_PORT);
      let at = 0;
      for (const [i, size] of parts.entries()) {
        const part = body.subarray(at, at + size);
        at += size;
        mesh.sim.after(i * 2, () => {
          peer.send(part);
          if (i === parts.length - 1 && !peer.connection.closed) peer.connection.end();
        });
      }
      await mesh.sim.run(() => peer.closed !== null, 60_000);
      const whole = peer.bytes.equals(body);
      if (!whole || peer.closed !== '') {
        assert.ok(resetRate > 0, `cut without a reset: ${peer.closed}`);
        assert.notEqual(peer.closed, '', 'a cut connection looked whole');
      }
    }),
    { numRuns: 60 },
  );
});

function echo(peer: RawPeer, chunked: boolean): void {
  peer.onText = () => {
    const { text } = peer;
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) return;
    const rest = text.slice(end + 4);
    const length = /^content-length: (\d+)/im.exec(text.slice(0, end))?.[1];
    if (length === undefined ? !rest.endsWith('0\r\n\r\n') : rest.length < Number(length)) return;
    peer.take(peer.bytes.length);
    const head = chunked ? 'transfer-encoding: chunked' : `content-length: ${rest.length}`;
    peer.send(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${rest}`);
  };
}
