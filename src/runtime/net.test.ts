/** One suite, every runtime: what a Connection promises holds on real sockets and in simulation. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { bytesOf } from '../core/bytes.ts';
import { isWeftError } from '../core/errors.ts';
import { type Address, type Connection, HIGH_WATER, type Listener } from '../core/runtime.ts';
import { allHarnesses, type Harness } from './test/harness.ts';
import { Recorder } from './test/recorder.ts';

/** Where the kernel tells the timers of its sockets. */
const HAS_TIMERS = existsSync('/proc/net/tcp');
const ANY: Address = { host: '127.0.0.1', port: 0 };

function send(connection: Connection, text: string): void {
  const bytes = bytesOf(text);
  connection.write(bytes, 0, bytes.length);
}

interface Pair {
  readonly listener: Listener;
  readonly client: Connection;
  readonly clientSide: Recorder;
  readonly server: Connection;
  readonly serverSide: Recorder;
}

async function pairOf(
  harness: Harness,
  prepare: (server: Connection, side: Recorder) => void = () => {},
): Promise<Pair> {
  const { net } = harness.runtime;
  const accepted: Connection[] = [];
  const serverSide = new Recorder();
  const listener = await net.listen(ANY, (connection) => {
    accepted.push(connection);
    prepare(connection, serverSide);
    return serverSide;
  });
  const clientSide = new Recorder();
  const client = net.connect(listener.address, clientSide);
  await harness.until('accepted and open', () => accepted.length === 1 && clientSide.events.length > 0);
  const [server] = accepted;
  assert.ok(server !== undefined);
  return { listener, client, clientSide, server, serverSide };
}

for (const harness of allHarnesses()) {
  suite(`net, ${harness.name}`, () => {
    test('bytes written before the connection is open arrive, and an echo comes back', async () => {
      const { net } = harness.runtime;
      const serverSide = new Recorder();
      const listener = await net.listen(ANY, (connection) => {
        serverSide.onData = (bytes, start, end) => connection.write(bytes, start, end);
        return serverSide;
      });
      const clientSide = new Recorder();
      const client = net.connect(listener.address, clientSide);
      send(client, 'hello');
      send(client, ' there');
      await harness.until('echo', () => clientSide.text === 'hello there');
      assert.equal(clientSide.events[0], 'open');
      assert.ok(!serverSide.events.includes('open'), 'accepted connections are open already');
      assert.deepEqual(client.info.remote, listener.address);
      client.destroy('done');
      assert.equal(clientSide.reason, 'done', 'onClose is synchronous');
      await harness.until('the server sees the end', () => serverSide.events.includes('end') || serverSide.closed);
      await listener.close();
    });

    test('a connection comes from the address that it is told to come from, of the family of its destination', async () => {
      const { net } = harness.runtime;
      const accepted: Connection[] = [];
      const listener = await net.listen(ANY, (connection) => {
        accepted.push(connection);
        return new Recorder();
      });
      const sources = ['::1', '127.0.0.7'].map((host) => ({ host, port: 0 }));
      const side = new Recorder();
      const client = net.connect(listener.address, side, { sources, keepAlive: null });
      await harness.until('open', () => accepted.length === 1 && side.events.includes('open'));
      assert.deepEqual([client.info.local.host, accepted[0]?.info.remote.host], ['127.0.0.7', '127.0.0.7']);
      client.destroy('done');
      await listener.close();
    });

    const asked = async (): Promise<void> => {
      const { net } = harness.runtime;
      const listener = await net.listen(ANY, () => new Recorder());
      const side = new Recorder();
      const keepAlive = { idleSeconds: 30, intervalSeconds: 10, probes: 3 };
      const client = net.connect(listener.address, side, { sources: [], keepAlive });
      await harness.until('open', () => side.events.includes('open'));
      const port = client.info.local.port.toString(16).toUpperCase().padStart(4, '0');
      const line = readFileSync('/proc/net/tcp', 'utf8')
        .split('\n')
        .find((each) => each.includes(`0100007F:${port} 0100007F`));
      // `tr tm->when`: 02 is the keep-alive timer, in hundredths of a second.
      const [, timer = '', due = ''] = / (\d\d):([0-9A-F]{8}) /.exec(line ?? '') ?? [];
      const seconds = Number.parseInt(due, 16) / 100;
      assert.ok(timer === '02' && seconds > 25 && seconds <= 30, line ?? 'no such connection');
      client.destroy('done');
      await listener.close();
    };
    // The simulation has no silent peers of the kernel's kind.
    if (!harness.name.startsWith('sim'))
      test('a silent peer is asked as often as it is said', { skip: !HAS_TIMERS }, asked);

    test('reserve and commit place bytes where write would', async () => {
      const { client, serverSide, listener } = await pairOf(harness);
      send(client, 'a');
      const at = client.reserve(3);
      client.out.set(bytesOf('bcd'), at);
      client.commit(at + 2);
      send(client, 'e');
      assert.equal(client.backlog, 4);
      await harness.until('bytes', () => serverSide.text === 'abce');
      assert.throws(() => client.reserve(HIGH_WATER + 1), RangeError);
      client.destroy('');
      await listener.close();
    });

    test('half-close: the peer reads to the end, still answers, and both close in order', async () => {
      const { client, clientSide, server, serverSide, listener } = await pairOf(harness);
      serverSide.onEndDo = () => {
        send(server, 'bye');
        server.end();
      };
      send(client, 'last words');
      client.end();
      send(client, 'lost: written after the end');
      await harness.until('both closed', () => clientSide.closed && serverSide.closed);
      assert.equal(serverSide.text, 'last words');
      assert.equal(clientSide.text, 'bye');
      assert.deepEqual([clientSide.reason, serverSide.reason], ['', '']);
      assert.deepEqual(serverSide.events, ['bytes', 'end', 'close']);
      assert.deepEqual(clientSide.events, ['open', 'bytes', 'end', 'close']);
      await listener.close();
    });

    test('a refused connection says so, once, with the address', async () => {
      const listener = await harness.runtime.net.listen(ANY, () => new Recorder());
      await listener.close();
      await harness.pass(10);
      const side = new Recorder();
      const connection = harness.runtime.net.connect(listener.address, side);
      send(connection, 'nobody reads this');
      await harness.until('refusal', () => side.closed);
      assert.equal(side.reason, `connect: ECONNREFUSED 127.0.0.1:${listener.address.port}`);
      assert.deepEqual(side.events, ['close']);
      await harness.pass(20);
      assert.ok(connection.closed);
    });

    test('a port that is taken is an error that names it', async () => {
      const listener = await harness.runtime.net.listen(ANY, () => new Recorder());
      await assert.rejects(
        harness.runtime.net.listen(listener.address, () => new Recorder()),
        (error) => isWeftError(error, 'address-in-use') && error.where === `127.0.0.1:${listener.address.port}`,
      );
      await listener.close();
      const again = await harness.runtime.net.listen(listener.address, () => new Recorder());
      await again.close();
    });

    test('nothing is delivered between pause and resume, and nothing is lost by it', async () => {
      const { client, server, serverSide, listener } = await pairOf(harness);
      let paused = false;
      serverSide.onData = () => {
        assert.ok(!paused, 'bytes while paused');
        server.pause();
        paused = true;
      };
      let sent = '';
      for (let i = 0; i < 50; i++) {
        send(client, `${i} `);
        sent += `${i} `;
        await harness.pass(1);
        if (i % 5 === 4 && paused) {
          paused = false;
          server.resume();
        }
      }
      client.end();
      while (!serverSide.events.includes('end')) {
        if (paused) {
          paused = false;
          server.resume();
        }
        await harness.pass(1);
      }
      assert.equal(serverSide.text, sent);
      server.destroy('');
      await listener.close();
    });

    test('a connection that is paused in accept delivers nothing until it is resumed', async () => {
      const { client, server, serverSide, listener } = await pairOf(harness, (connection) => connection.pause());
      send(client, 'patience');
      client.end();
      await harness.pass(30);
      assert.deepEqual(serverSide.events, []);
      server.resume();
      await harness.until('bytes and end', () => serverSide.events.includes('end'));
      assert.equal(serverSide.text, 'patience');
      server.end();
      await harness.until('closed', () => serverSide.closed);
      await listener.close();
    });

    test('bytes given back are the first that the next handler sees', async () => {
      const { client, server, serverSide, listener } = await pairOf(harness);
      const next = new Recorder();
      serverSide.onData = (bytes, start, end) => {
        // A detector: it looks at what came, gives it all back, and steps aside.
        serverSide.onData = null;
        server.unread(bytes, start, end);
        server.handler = next;
        assert.equal(next.text, '', 'not inside the handler that gave back');
      };
      send(client, 'GET / ');
      send(client, 'HTTP/1.1');
      client.end();
      await harness.until('end', () => next.events.includes('end'));
      assert.equal(next.text, 'GET / HTTP/1.1');
      server.destroy('');
      await listener.close();
    });

    test('bytes given back while paused come on resume, in front of those that follow', async () => {
      const { client, server, serverSide, listener } = await pairOf(harness);
      const next = new Recorder();
      serverSide.onData = (bytes, start, end) => {
        server.pause();
        server.unread(bytes, start, end);
        server.handler = next;
      };
      send(client, 'one ');
      await harness.pass(30);
      send(client, 'two');
      await harness.pass(30);
      assert.deepEqual(next.events, []);
      server.resume();
      await harness.until('all', () => next.text === 'one two');
      server.destroy('');
      await listener.close();
    });

    test('a slow reader holds its writer: the backlog is bounded and drained is told once per fill', async () => {
      const { client, clientSide, server, serverSide, listener } = await pairOf(harness);
      const total = harness.name === 'node' ? 100 * 1024 * 1024 : 10 * 1024 * 1024;
      const block = new Uint8Array(40_000).map((_, i) => i % 251);
      let sent = 0;
      let peak = 0;
      let fills = 0;
      const fill = (): void => {
        while (sent < total && client.backlog <= HIGH_WATER) {
          client.write(block, 0, block.length);
          sent += block.length;
        }
        peak = Math.max(peak, client.backlog);
        if (sent >= total) client.end();
        else fills++;
      };
      clientSide.onDrainedDo = fill;
      let seen = 0;
      let wrong = 0;
      serverSide.onData = (bytes, start, end) => {
        for (let i = start; i < end; i += 997) if (bytes[i] !== ((seen + i - start) % 40_000) % 251) wrong++;
        seen += end - start;
      };
      server.pause();
      fill();
      await harness.pass(50);
      assert.ok(sent < total, 'the writer waits');
      server.resume();
      await harness.until('all', () => serverSide.events.includes('end'));
      assert.equal(seen, sent);
      assert.equal(wrong, 0);
      assert.ok(peak <= HIGH_WATER + block.length, `peak ${peak}`);
      // The last fill may have passed the mark too.
      const drained = clientSide.events.filter((event) => event === 'drained').length;
      assert.ok(drained === fills || drained === fills + 1, `${drained} drained, ${fills} fills`);
      server.end();
      await harness.until('closed', () => clientSide.closed && serverSide.closed);
      await listener.close();
    });

    test('destroying a connection with unsent bytes resets it', async () => {
      const { client, server, serverSide, clientSide, listener } = await pairOf(harness, (connection) =>
        connection.pause(),
      );
      const block = new Uint8Array(60_000);
      for (let i = 0; i < 300; i++) client.write(block, 0, block.length);
      await harness.pass(20);
      assert.ok(client.backlog > 0);
      client.destroy('gave up');
      client.destroy('twice');
      assert.equal(clientSide.reason, 'gave up');
      server.resume();
      await harness.until('reset', () => serverSide.closed);
      assert.match(serverSide.reason ?? '', /ECONNRESET/);
      await listener.close();
    });

    test('a connection that is cut while it ends is gone: whoever writes to it is told', async () => {
      const { client, server, serverSide, listener } = await pairOf(harness);
      send(client, 'last words');
      client.end();
      client.destroy('changed my mind');
      await harness.until('the server is told', () => {
        send(server, 'are you there?');
        return serverSide.closed;
      });
      await listener.close();
    });

    test('closing a listener leaves its connections alone', async () => {
      const { client, clientSide, server, serverSide, listener } = await pairOf(harness);
      serverSide.onData = (bytes, start, end) => server.write(bytes, start, end);
      await listener.close();
      send(client, 'still here');
      await harness.until('echo', () => clientSide.text === 'still here');
      client.destroy('');
      server.destroy('');
    });

    test('what is written in an end-of-turn task leaves in that turn, after all handlers', async () => {
      const { client, server, serverSide, clientSide, listener } = await pairOf(harness);
      const order: string[] = [];
      serverSide.onData = () => {
        order.push('bytes');
        harness.runtime.endOfTurn(() => {
          order.push('end of turn');
          send(server, 'ok');
        });
        order.push('handler done');
      };
      send(client, 'x');
      await harness.until('answer', () => clientSide.text === 'ok');
      assert.deepEqual(order, ['bytes', 'handler done', 'end of turn']);
      client.destroy('');
      server.destroy('');
      await listener.close();
    });

    test('datagrams go there and back', async () => {
      const { net } = harness.runtime;
      let answer = '';
      const server = await net.bindDatagram(ANY, (bytes, from) =>
        server.send(bytesOf(`re: ${Buffer.from(bytes).toString()}`), from),
      );
      const client = await net.bindDatagram(ANY, (bytes) => {
        answer = Buffer.from(bytes).toString();
      });
      client.send(bytesOf('query'), server.address);
      await harness.until('answer', () => answer === 're: query');
      await Promise.all([client.close(), server.close()]);
    });

    test('names resolve, literals to themselves, and unknown names are refused by name', async () => {
      const { net } = harness.runtime;
      assert.deepEqual(await net.resolve('127.0.0.9'), [{ host: '127.0.0.9', family: 4 }]);
      assert.deepEqual(await net.resolve('::1'), [{ host: '::1', family: 6 }]);
      assert.ok((await net.resolve('localhost')).length > 0);
      await assert.rejects(net.resolve('no.such.name.invalid'), (error) => isWeftError(error, 'name-not-found'));
    });
  });
}
