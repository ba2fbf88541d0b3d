/** The simulation itself: one seed, one run; faults that look as they do on a real network; time that costs nothing. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import fc from 'fast-check';
import type { Connection, TlsIdentity } from '../../core/runtime.ts';
import { CallbackTimer, TimerWheel } from '../../core/timer-wheel.ts';
import { createAuthority } from '../test/certificates.ts';
import { Recorder } from '../test/recorder.ts';
import type { LinkOptions } from './link.ts';
import { type SimRuntime, Simulation } from './simulation.ts';

const A = '10.0.0.1';
const B = '10.0.0.2';
const PORT = 80;

let identity: TlsIdentity;

before(async () => {
  const authority = await createAuthority('weft test root');
  identity = await authority.issue({ uris: ['spiffe://weft.test/ns/a/sa/b'] });
});

interface World {
  readonly simulation: Simulation;
  readonly a: SimRuntime;
  readonly b: SimRuntime;
}

function world(seed: number, link: LinkOptions = {}): World {
  const simulation = new Simulation({ seed, link, wallStartMs: Date.now() });
  return { simulation, a: simulation.start(A), b: simulation.start(B) };
}

/** A server on B that echoes, and a client on A. */
async function echoing({
  simulation,
  a,
  b,
}: World): Promise<{ client: Connection; side: Recorder; serverSides: Recorder[] }> {
  const serverSides: Recorder[] = [];
  await b.net.listen({ host: B, port: PORT }, (connection) => {
    const serverSide = new Recorder();
    serverSide.onData = (bytes, start, end) => connection.write(bytes, start, end);
    serverSide.onEndDo = () => connection.end();
    serverSides.push(serverSide);
    return serverSide;
  });
  const side = new Recorder();
  const client = a.net.connect({ host: B, port: PORT }, side);
  await simulation.run(() => side.events.length > 0, 1000);
  return { client, side, serverSides };
}

/** Twenty connections, half over TLS, that echo random amounts over a bad network. */
async function busyRun(seed: number): Promise<{ hash: string; events: number; sums: string }> {
  const { simulation, a, b } = world(seed, { latencyMs: 2, lossRate: 0.05, resetRate: 0.002 });
  const tls = { identity, alpn: ['x'], serverName: null, requirePeerCertificate: true, verifyPeer: null } as const;
  for (const port of [80, 81]) {
    await b.net.listen({ host: B, port }, (plain) => {
      const side = new Recorder();
      const connection = port === 80 ? plain : b.net.secure(plain, { ...tls, role: 'server' }, side);
      side.onData = (bytes, start, end) => connection.write(bytes, start, end);
      side.onEndDo = () => connection.end();
      return side;
    });
  }
  const sides: Recorder[] = [];
  for (let i = 0; i < 20; i++) {
    const side = new Recorder();
    const plain = a.net.connect({ host: B, port: 80 + (i % 2) }, i % 2 === 0 ? side : new Recorder());
    const connection = i % 2 === 0 ? plain : a.net.secure(plain, { ...tls, role: 'client' }, side);
    const block = new Uint8Array(20_000);
    a.random.fill(block);
    const repeat = Math.floor(a.random.next() * 10);
    for (let n = 0; n < repeat; n++) connection.write(block, 0, block.length);
    connection.end();
    sides.push(side);
  }
  await simulation.run(() => sides.every((side) => side.closed), 600_000);
  assert.ok(sides.every((side) => side.closed));
  const sums = sides.map((side) => `${side.byteCount} ${side.reason}`).join('; ');
  return { hash: simulation.hash, events: simulation.eventCount, sums };
}

test('the same seed gives the same run, another seed another one', async () => {
  const [first, again, other] = [await busyRun(7), await busyRun(7), await busyRun(8)];
  assert.deepEqual(first, again);
  assert.notEqual(first.hash, other.hash);
});

test('borrowed bytes are poison after the handler has returned, and reads begin anywhere', async () => {
  const w = world(1);
  const { client, side } = await echoing(w);
  const kept: Uint8Array[] = [];
  const starts = new Set<number>();
  side.onData = (bytes, start, end) => {
    starts.add(start);
    kept.push(bytes.subarray(start, end));
  };
  for (let i = 0; i < 30; i++) {
    client.write(new Uint8Array([1, 2, 3]), 0, 3);
    await w.simulation.run(() => side.byteCount === 3 * (i + 1), 1000);
    assert.ok(!kept.some((bytes) => bytes.includes(2)), 'a handler that keeps bytes must see that it may not');
  }
  assert.ok(starts.size > 1);
});

test('whatever the network does, a connection gives the bytes in order or breaks', async () => {
  const link = fc.record({
    latencyMs: fc.double({ min: 0, max: 200, noNaN: true }),
    lossRate: fc.double({ min: 0, max: 0.5, noNaN: true }),
    resetRate: fc.constantFrom(0, 0, 0.05),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      link,
      fc.array(fc.integer({ min: 0, max: 100_000 }), { maxLength: 8 }),
      async (seed, options, sizes) => {
        const w = world(seed, options);
        const { client, side } = await echoing(w);
        let sent = 0;
        let seen = 0;
        side.onData = (bytes, start, end) => {
          for (let i = start; i < end; i++) assert.equal(bytes[i], seen++ % 253);
        };
        for (const size of sizes) {
          const block = new Uint8Array(size).map((_, i) => (sent + i) % 253);
          client.write(block, 0, size);
          sent += size;
        }
        client.end();
        await w.simulation.run(() => side.closed, 3_600_000);
        assert.ok(side.closed);
        if (side.reason === '') assert.equal(seen, sent);
        else assert.match(side.reason ?? '', /ECONN|ETIMEDOUT/);
      },
    ),
    { numRuns: 60 },
  );
});

test('a partition stalls, and what was under way arrives after it heals', async () => {
  const w = world(3);
  const { client, side } = await echoing(w);
  w.simulation.network.partition(A, B);
  client.write(new Uint8Array(10), 0, 10);
  await w.simulation.run(() => side.byteCount > 0, 30_000);
  assert.equal(side.byteCount, 0);
  assert.equal(side.closed, false, 'TCP waits');
  w.simulation.network.heal(A, B);
  await w.simulation.run(() => side.byteCount === 10, 130_000);
  assert.equal(side.byteCount, 10);
});

test('a partition that lasts breaks connections with data under way, and new ones time out', async () => {
  const w = world(4);
  const { client, side } = await echoing(w);
  w.simulation.network.partition(A, B);
  client.write(new Uint8Array(10), 0, 10);
  const late = new Recorder();
  w.a.net.connect({ host: B, port: PORT }, late);
  await w.simulation.run(() => side.closed && late.closed, 3_600_000);
  assert.match(side.reason ?? '', /ETIMEDOUT/);
  assert.equal(late.reason, `connect: ETIMEDOUT ${B}:${PORT}`);
});

test('a killed process is reset for its peers, silent for itself, and its address can be taken by its successor', async () => {
  const w = world(5);
  const { side, serverSides } = await echoing(w);
  let ticked = 0;
  w.b.clock.wake(w.b.clock.now() + 100, () => ticked++);
  w.b.kill();
  await w.simulation.run(() => side.closed, 5000);
  assert.match(side.reason ?? '', /ECONNRESET/);
  assert.equal(serverSides[0]?.closed, false, 'the dead are told nothing');
  const refused = new Recorder();
  w.a.net.connect({ host: B, port: PORT }, refused);
  await w.simulation.run(() => refused.closed, 5000);
  assert.match(refused.reason ?? '', /ECONNREFUSED/);
  assert.equal(ticked, 0);
  const successor = w.simulation.start(B);
  await successor.net.listen({ host: B, port: PORT }, () => new Recorder());
  const side2 = new Recorder();
  w.a.net.connect({ host: B, port: PORT }, side2);
  await w.simulation.run(() => side2.events.includes('open'), 5000);
  assert.ok(side2.events.includes('open'));
});

test('loopback addresses belong to one host', async () => {
  const { simulation, a, b } = world(6);
  await a.net.listen({ host: '127.0.0.1', port: 9 }, () => new Recorder());
  await b.net.listen({ host: '127.0.0.1', port: 9 }, () => new Recorder());
  const own = new Recorder();
  a.net.connect({ host: '127.0.0.1', port: 9 }, own);
  const other = new Recorder();
  a.net.connect({ host: B, port: 9 }, other);
  await simulation.run(() => own.events.length > 0 && other.closed, 5000);
  assert.deepEqual(own.events, ['open']);
  assert.match(other.reason ?? '', /ECONNREFUSED/);
});

test('a day passes in no time, and timers fire in it', async () => {
  const { simulation, a } = world(7);
  const wheel = new TimerWheel(a.clock);
  let fired = 0;
  const timer: CallbackTimer = new CallbackTimer(() => {
    fired++;
    wheel.arm(timer, 60_000);
  });
  wheel.arm(timer, 60_000);
  const wall = a.clock.wall();
  assert.equal(await simulation.run(() => false, 86_400_000), false);
  assert.equal(simulation.nowMs, 86_400_000);
  assert.equal(a.clock.wall() - wall, 86_400_000);
  assert.ok(fired >= 1439 && fired <= 1440, `${fired}`);
});

test('files of a host survive its process, keep their modes, and a full disk is an error', async () => {
  const { simulation, b } = world(8);
  await b.files.write('/state/ca/root.key', new Uint8Array([1]), 0o600);
  b.kill();
  const successor = simulation.start(B);
  assert.deepEqual([...(await successor.files.read('/state/ca/root.key'))], [1]);
  assert.equal(successor.files.files.get('/state/ca/root.key')?.mode, 0o600);
  assert.deepEqual(await successor.files.list('/state'), ['ca']);
  successor.files.writeFailure = 'ENOSPC';
  await assert.rejects(successor.files.write('/state/x', new Uint8Array(1), 0o600), /ENOSPC/);
  assert.deepEqual(await successor.files.list('/state'), ['ca']);
});
