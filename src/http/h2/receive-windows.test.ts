/** Readers that stand still hold up nobody but themselves, whatever they are many; what a connection holds has a bound. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FRAME } from './frame.ts';
import { type Http2Limits, LIMIT } from './limits.ts';
import { data, headers, ping, POST, settingsAck } from './test/frames.ts';
import { Served } from './test/serve.ts';

const FIRST_WINDOW = 65_535;
const FRAME_BYTES = 16_000;

/** A client that sends all it may and no more, and hears of what we write when `hear` is called. */
class Client {
  readonly served: Served;
  /** What was sent and not released, by stream. */
  readonly held: number[] = [];
  connection = FIRST_WINDOW;
  /** PINGs since content was sent. */
  pings = 0;
  readonly windows: number[] = [];
  #initial: number;
  /** Answers to PING come a round trip later. */
  #answers: Buffer[] = [];

  constructor(limits: Partial<Http2Limits> = {}) {
    this.served = new Served(limits);
    this.#initial = limits.streamWindowBytes ?? 131_072;
    const hello = this.served.take();
    for (const f of hello) if (f.type === FRAME.windowUpdate) this.connection += f.payload.readUInt32BE(0);
    this.served.begin();
  }

  open(): number {
    const index = this.windows.push(this.#initial) - 1;
    this.held.push(0);
    this.served.feed(headers(2 * index + 1, POST, false));
    return index;
  }

  /** Up to so many bytes on a stream. Returns how many were sent. */
  send(index: number, bytes: number): number {
    let sent = 0;
    while (sent < bytes) {
      const count = Math.min(bytes - sent, FRAME_BYTES, this.connection, this.windows[index] ?? 0);
      if (count <= 0) break;
      this.connection -= count;
      this.windows[index] = (this.windows[index] ?? 0) - count;
      this.held[index] = (this.held[index] ?? 0) + count;
      sent += count;
      this.pings = 0;
      this.served.feed(data(2 * index + 1, Buffer.alloc(count)));
    }
    return sent;
  }

  release(index: number, bytes: number): void {
    const count = Math.min(bytes, this.held[index] ?? 0);
    this.held[index] = (this.held[index] ?? 0) - count;
    this.served.stream(index).release(count);
  }

  hear(): void {
    this.served.feed(...this.#answers);
    this.#answers = [];
    for (const f of this.served.take()) {
      if (f.type === FRAME.windowUpdate && f.id === 0) this.connection += f.payload.readUInt32BE(0);
      else if (f.type === FRAME.windowUpdate) {
        const index = f.id >> 1;
        this.windows[index] = (this.windows[index] ?? 0) + f.payload.readUInt32BE(0);
      } else if (f.type === FRAME.settings && (f.flags & 1) === 0) {
        const size = f.payload.readUInt32BE(2);
        for (const [index, window] of this.windows.entries()) this.windows[index] = window + size - this.#initial;
        this.#initial = size;
        this.served.feed(settingsAck);
      } else if (f.type === FRAME.ping && (f.flags & 1) === 0) {
        this.pings++;
        this.#answers.push(ping(f.payload.toString('latin1'), true));
      } else assert.notEqual(f.type, FRAME.goaway, 'the connection failed');
    }
  }

  get heldBytes(): number {
    return this.held.reduce((sum, bytes) => sum + bytes, 0);
  }
}

/** Whether a stream whose reader takes everything gets so much through. */
function carries(client: Client, index: number, bytes: number): boolean {
  let left = bytes;
  for (let i = 0; left > 0 && i < 10_000; i++) {
    left -= client.send(index, left);
    client.release(index, Number.MAX_SAFE_INTEGER);
    client.hear();
  }
  return left === 0;
}

test('as many streams as may be open stand still, each with its window full: one more goes on as if it were alone', () => {
  const client = new Client();
  for (let i = 0; i < 999; i++) {
    const index = client.open();
    client.send(index, Number.MAX_SAFE_INTEGER);
    client.hear();
  }
  assert.ok(carries(client, client.open(), 10_000_000));
  assert.ok(client.heldBytes > 2 ** 23 && client.heldBytes <= 2 ** 25, `${client.heldBytes} bytes`);
  assert.deepEqual(client.served.limits, [LIMIT.held]);
  for (let i = 0; i < 999; i++) client.release(i, Number.MAX_SAFE_INTEGER);
  client.hear();
  for (let i = 0; i < 1_000; i++) assert.ok(carries(client, i, 200_000), `stream ${i} goes on`);
});

test('the same with streams that were fast before, and all at once', () => {
  const client = new Client({ maxConcurrentStreams: 200, connectionWindowBytes: 2 ** 24 });
  for (let i = 0; i < 199; i++) client.open();
  for (let i = 0; i < 199; i++) assert.ok(carries(client, i, 5_000_000));
  for (let i = 0; i < 199; i++) client.send(i, Number.MAX_SAFE_INTEGER);
  client.hear();
  for (let i = 0; i < 199; i++) client.send(i, Number.MAX_SAFE_INTEGER);
  assert.ok(carries(client, client.open(), 10_000_000));
  assert.ok(client.heldBytes <= 2 ** 25, `${client.heldBytes} bytes`);
});

test('windows grow with what a round trip brings, by credit, up to their bound; who uses nothing gets nothing', () => {
  const client = new Client({ streamWindowBytes: 20_000, maxStreamWindowBytes: 60_000 });
  const [fast, slow] = [client.open(), client.open()];
  const sizes: number[] = [];
  for (let i = 0; i < 20; i++) {
    sizes.push(client.send(fast, Number.MAX_SAFE_INTEGER));
    client.release(fast, Number.MAX_SAFE_INTEGER);
    client.hear();
  }
  assert.equal(sizes[0], 20_000);
  assert.ok((sizes.at(-1) ?? 0) > 30_000);
  assert.ok(Math.max(...sizes) <= 60_000);
  assert.equal(client.windows[slow], 20_000);
  assert.equal(client.windows[client.open()], 20_000);
});

test('readers that catch up cost a peer that sends nothing no more than one PING, however long they take', () => {
  const client = new Client();
  for (let i = 0; i < 20; i++) client.send(client.open(), Number.MAX_SAFE_INTEGER);
  client.hear();
  let asked = 0;
  for (let i = 0; i < 400; i++) {
    client.release(i % 20, 10_000);
    client.served.time.advance(1_000);
    client.hear();
    asked = Math.max(asked, client.pings);
  }
  assert.equal(client.heldBytes, 0);
  assert.equal(asked, 1);
});

const step = fc.oneof(
  fc.record({ kind: fc.constant('send' as const), stream: fc.nat(9), bytes: fc.nat(300_000) }),
  fc.record({ kind: fc.constant('release' as const), stream: fc.nat(9), bytes: fc.nat(300_000) }),
  fc.record({ kind: fc.constant('hear' as const), stream: fc.nat(9), bytes: fc.constant(0) }),
);

test('a client that obeys is never accused, whenever it hears of changes; nothing stays closed, and the bound holds', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
      const limits = { connectionWindowBytes: 500_000, maxConnectionWindowBytes: 500_000, maxHeldBytes: 1_000_000 };
      const client = new Client({ ...limits, maxConcurrentStreams: 10, controlFrameBurst: 1e6 });
      for (let i = 0; i < 10; i++) client.open();
      for (const { kind, stream, bytes } of steps) {
        if (kind === 'send') client.send(stream, bytes);
        else if (kind === 'release') client.release(stream, bytes);
        else client.hear();
        assert.ok(client.heldBytes <= limits.maxHeldBytes);
        for (const receiver of client.served.receivers) assert.equal(receiver.reset, null);
      }
      client.hear();
      for (let i = 0; i < 10; i++) client.release(i, Number.MAX_SAFE_INTEGER);
      client.hear();
      for (let i = 0; i < 10; i++) assert.ok(carries(client, i, 400_000), `stream ${i} goes on`);
    }),
    { numRuns: 200 },
  );
});
