/** What large reads add to a connection: the suite that all runtimes share holds the rest. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { type Connection, HIGH_WATER } from '../../core/runtime.ts';
import { type Harness, nodeHarness } from '../test/harness.ts';
import { Recorder } from '../test/recorder.ts';
import { BULK_BYTES } from './bulk-buffers.ts';
import { rawKind } from './raw-kind.ts';

const ANY = { host: '127.0.0.1', port: 0 };
const SHARED_BYTES = 65_536;
/** Prime, so that a chunk that is repeated, lost or written over shows. */
const PERIOD = 65_521;
const PATTERN = new Uint8Array(PERIOD).map((_, i) => (i * 31 + (i >> 8)) % 251);

const sockets = rawKind();
const skip = sockets === null && 'this Node has no raw handles';
const harness = nodeHarness('raw', sockets === null ? {} : { sockets });

/** Passes on what it reads, and reads no further while its peer has too much. */
class Relay extends Recorder {
  readsOf = new Map<number, number>();
  peak = 0;
  reader: Connection | null = null;
  writer: Connection | null = null;

  constructor() {
    super();
    this.onData = (bytes, start, end) => {
      const { reader, writer } = this;
      if (reader === null || writer === null) return;
      this.readsOf.set(bytes.length, (this.readsOf.get(bytes.length) ?? 0) + 1);
      writer.write(bytes, start, end);
      this.peak = Math.max(this.peak, writer.backlog);
      if (writer.backlog > HIGH_WATER) reader.pause();
    };
    this.onEndDo = () => this.writer?.end();
  }
}

interface Line {
  readonly relay: Relay;
  readonly sink: Recorder;
  readonly sinkConnection: Connection;
  /** Sends so many bytes of the pattern. */
  feed(bytes: number): void;
  seen(): number;
}

/** source → relay → sink, each hop a real connection; gone with the test. */
async function lineOf(t: TestContext, { runtime: { net }, until }: Harness): Promise<Line> {
  const relay = new Relay();
  const sink = new Recorder();
  let sinkConnection: Connection | null = null;
  let seen = 0;
  sink.onData = (bytes, start, end) => {
    for (let i = start; i < end; i += 61) {
      if (bytes[i] !== PATTERN[(seen + i - start) % PERIOD]) assert.fail(`wrong byte at ${seen + i - start}`);
    }
    seen += end - start;
  };
  const drain = new Recorder();
  drain.onDrainedDo = () => relay.reader?.resume();
  const sinkListener = await net.listen(ANY, (connection) => {
    sinkConnection = connection;
    return sink;
  });
  const relayListener = await net.listen(ANY, (connection) => {
    relay.reader = connection;
    relay.writer = net.connect(sinkListener.address, drain);
    return relay;
  });
  const source = new Recorder();
  const sourceConnection = net.connect(relayListener.address, source);
  await until('connected', () => sinkConnection !== null && drain.events.includes('open'));
  let left = 0;
  let sent = 0;
  const pump = (): void => {
    while (left > 0 && sourceConnection.backlog <= HIGH_WATER) {
      const at = sent % PERIOD;
      const count = Math.min(left, PERIOD - at);
      sourceConnection.write(PATTERN, at, at + count);
      left -= count;
      sent += count;
    }
  };
  source.onDrainedDo = pump;
  t.after(async () => {
    for (const connection of [sourceConnection, relay.reader, relay.writer, sinkConnection]) connection?.destroy('');
    await Promise.all([sinkListener.close(), relayListener.close()]);
  });
  return {
    relay,
    sink,
    sinkConnection: sinkConnection ?? assert.fail(),
    feed(bytes) {
      left += bytes;
      pump();
    },
    seen: () => seen,
  };
}

test('a relay in bulk reads into a large buffer and goes back to the shared one', {
  skip,
}, async (t) => {
  const line = await lineOf(t, harness);
  // The relay stops for a while, so that the kernel has more for it than a small buffer holds.
  for (let round = 1; round <= 8; round++) {
    line.relay.reader?.pause();
    line.feed(4 * 2 ** 20);
    await harness.pass(5);
    line.relay.reader?.resume();
    await harness.until('passed on', () => line.seen() === round * 4 * 2 ** 20);
  }
  const { readsOf } = line.relay;
  assert.deepEqual(new Set(readsOf.keys()), new Set([SHARED_BYTES, BULK_BYTES]));
  readsOf.clear();
  line.feed(100);
  await harness.until('a short read', () => readsOf.size > 0);
  line.feed(100);
  await harness.until('another', () => (readsOf.get(SHARED_BYTES) ?? 0) > 0);
});

test('bytes that the kernel has not taken are written over by nobody, whoever closes', { skip }, async (t) => {
  const lines = await Promise.all(Array.from({ length: 6 }, () => lineOf(t, harness)));
  const total = 24 * 2 ** 20;
  for (const [i, { sinkConnection }] of lines.entries()) if (i % 2 === 0) sinkConnection.pause();
  for (const line of lines) line.feed(total);
  await harness.until('the fast ones', () => lines.every((line, i) => i % 2 === 0 || line.seen() === total));
  const slow = lines.filter((_, i) => i % 2 === 0);
  await harness.until('slow readers hold their writers', () =>
    slow.every(({ relay }) => (relay.writer?.backlog ?? 0) > HIGH_WATER),
  );
  // One of them goes, with a large write under way; its buffer must not be another's before the kernel let go.
  slow[0]?.relay.reader?.destroy('');
  slow[0]?.relay.writer?.destroy('gone');
  const rest = slow.slice(1);
  for (const { sinkConnection } of rest) sinkConnection.resume();
  await harness.until('the slow ones', () => rest.every((line) => line.seen() === total));
  for (const { relay } of lines) {
    assert.ok(relay.readsOf.has(BULK_BYTES));
    assert.ok(relay.peak <= HIGH_WATER + BULK_BYTES, `backlog ${relay.peak}`);
  }
});
