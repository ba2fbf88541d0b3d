/**
 * What HTTP/2 costs a request, in nanoseconds: `node bench/micro/h2.ts [--against <checkout>]`.
 *
 * Method: one process, no network: our client and our server at the two ends of a pipe in memory, which carries what
 * each turn flushed. 64 requests a turn, 14 fields of about 1 KiB each way, three of them different every time, and
 * 100 bytes of content back. The figure is for both ends together: frames, HPACK both ways, streams, flow control.
 * Rounds of 20,000 requests; the fastest is reported, and the median beside it. With `--against` the same runs on the
 * sources of another checkout, in turns with ours.
 */
import { parseArgs } from 'node:util';
import type * as BaseModule from '../../src/core/base-connection.ts';
import type * as PoolModule from '../../src/core/chunk-pool.ts';
import type * as OutputModule from '../../src/core/output.ts';
import type { Clock, ConnectionHandler } from '../../src/core/runtime.ts';
import type * as WheelModule from '../../src/core/timer-wheel.ts';
import type * as ClientModule from '../../src/http/h2/client.ts';
import type * as LimitsModule from '../../src/http/h2/limits.ts';
import type * as ServerModule from '../../src/http/h2/server.ts';
import type * as NameModule from '../../src/http/field-name.ts';
import type * as HeadModule from '../../src/http/head.ts';
import type { MessageReceiver, Stream } from '../../src/http/message.ts';

const ROUNDS = 15;
const REQUESTS = 20_000;
const A_TURN = 64;
const BODY = Buffer.alloc(100, 0x78);

/** Name, value, and whether the value differs from message to message. */
const FIELDS: readonly (readonly [string, string, boolean])[] = [
  ['user-agent', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0', false],
  ['accept', 'application/json, text/plain;q=0.9, text/html;q=0.8, */*;q=0.7', false],
  ['accept-encoding', 'gzip, deflate, br, zstd', false],
  ['accept-language', 'en-GB,en;q=0.9,de;q=0.8', false],
  ['cache-control', 'no-cache', false],
  ['content-type', 'application/json; charset=utf-8', false],
  ['cookie', 'session=4f6c8f1ed0b94a31a5c2a7f0d5d2c1aa; theme=dark; consent=all; region=eu-central', false],
  ['referer', 'https://www.example.com/catalogue/summer/shoes?page=3&sort=price', false],
  ['x-forwarded-for', '203.0.113.195, 198.51.100.17', false],
  ['x-forwarded-proto', 'https', false],
  ['x-tenant', 'tenant-0042-production', false],
  ['x-request-id', '7d9a1c52-55f1-4f0e-9d1b-', true],
  ['traceparent', '00-4bf92f3577b34da6000000001234-00f0', true],
  ['x-sequence', '', true],
];

const { values } = parseArgs({ options: { against: { type: 'string' } } });
const sides = [new URL('../../', import.meta.url)];
if (values.against !== undefined) sides.push(new URL(`file://${values.against}/`));

interface Side {
  readonly run: () => void;
  readonly times: number[];
}

const NOBODY: ConnectionHandler = { onOpen() {}, onBytes() {}, onDrained() {}, onEnd() {}, onClose() {} };
const ADDRESS = { host: '127.0.0.1', port: 1 };
const INFO = { local: ADDRESS, remote: ADDRESS, tls: null };

const measured = await Promise.all(sides.map((root) => sideOf(root)));
for (let round = -3; round < ROUNDS; round++) {
  for (const side of measured) {
    const start = performance.now();
    for (let n = 0; n < REQUESTS; n += A_TURN) side.run();
    if (round >= 0) side.times.push(((performance.now() - start) * 1e6) / REQUESTS);
  }
}
for (const side of measured) {
  const sorted = side.times.toSorted((a, b) => a - b);
  console.log(
    `a request and its response, both ends: ${Math.round(sorted[0] ?? 0)} (median ${Math.round(sorted[ROUNDS >> 1] ?? 0)}) ns`,
  );
}

async function sideOf(root: URL): Promise<Side> {
  const load = async <T>(path: string): Promise<T> => (await import(new URL(path, root).href)) as T;
  const { BaseConnection } = await load<typeof BaseModule>('src/core/base-connection.ts');
  const { ChunkPool } = await load<typeof PoolModule>('src/core/chunk-pool.ts');
  const { Turn } = await load<typeof OutputModule>('src/core/output.ts');
  const { TimerWheel } = await load<typeof WheelModule>('src/core/timer-wheel.ts');
  const { Http2Client } = await load<typeof ClientModule>('src/http/h2/client.ts');
  const { Http2Server } = await load<typeof ServerModule>('src/http/h2/server.ts');
  const { DEFAULT_HTTP2_LIMITS } = await load<typeof LimitsModule>('src/http/h2/limits.ts');
  const { FieldName } = await load<typeof NameModule>('src/http/field-name.ts');
  const { Head } = await load<typeof HeadModule>('src/http/head.ts');

  const due: (() => void)[] = [];
  const report = (error: unknown): void => {
    throw error;
  };
  const context = { turn: new Turn((run) => due.push(run), report), chunks: new ChunkPool(), report };
  const clock: Clock = { now: () => performance.now(), wall: () => 0, wake: () => () => {} };
  const timers = new TimerWheel(clock);

  /** What one end flushed is read by the other at once. */
  class Pipe extends BaseConnection {
    peer: Pipe | null = null;
    protected get unsent(): number {
      return 0;
    }
    protected transmit(chunk: Uint8Array, end: number): boolean {
      this.peer?.received(chunk, 0, end);
      return false;
    }
    protected pauseReading(): void {}
    protected resumeReading(): void {}
    protected finishWriting(): void {}
    protected closeTransport(): void {}
  }
  const near = new Pipe(context, INFO, NOBODY);
  const far = new Pipe(context, INFO, NOBODY);
  near.peer = far;
  far.peer = near;

  const names = FIELDS.map(([name]) => new FieldName(name));
  const fill = (head: InstanceType<typeof Head>, i: number): void => {
    for (const [at, name] of names.entries()) {
      const [, value, changes] = FIELDS[at] ?? ['', '', false];
      head.appendText(name, changes ? value + (i * 2_654_435_761).toString(16).padStart(14, '0') : value);
    }
  };
  const request = (i: number) => {
    const head = Head.request('GET', `/api/v1/catalogue/items/${i % 100}?include=price,stock`, 'catalogue.shop:8080');
    fill(head, i);
    return head;
  };
  const response = (i: number) => {
    const head = Head.response(200);
    head.contentLength = BODY.length;
    fill(head, i + 7);
    return head;
  };
  // Made before: what building a head costs is not the codec's.
  const requests = Array.from({ length: 1_024 }, (_, i) => request(i));
  const responses = Array.from({ length: 1_024 }, (_, i) => response(i));
  let asked = 0;
  let answered = 0;
  let arrived = 0;

  const limits = { ...DEFAULT_HTTP2_LIMITS };
  const client = new Http2Client({
    limits,
    timers,
    clock,
    callbacks: { onRoom() {}, onDraining() {}, onGone: (_c, why) => report(new Error(why)), onLimit() {} },
  });
  class Answer implements MessageReceiver {
    readonly #stream: Stream;
    constructor(stream: Stream) {
      this.#stream = stream;
    }
    onHead(head: InstanceType<typeof Head>): void {
      head.free();
      const answer = responses[answered++ & 1_023];
      if (answer === undefined) return;
      this.#stream.sendHead(answer, false);
      this.#stream.sendData(BODY, 0, BODY.length, true);
    }
    onData(): void {}
    onTrailers(): void {}
    onWritable(): void {}
    onReset(): void {}
  }
  const asker: MessageReceiver = {
    onHead: (head) => head.free(),
    onData(_bytes, _start, _end, last) {
      if (last) arrived++;
    },
    onTrailers() {},
    onWritable() {},
    onReset: () => report(new Error('reset')),
  };
  const server = new Http2Server(far, {
    limits,
    timers,
    clock,
    callbacks: {
      open: (stream) => new Answer(stream),
      onRefused() {},
      onLimit: (name) => report(new Error(name)),
      onClosed() {},
    },
  });
  client.attach(near);
  client.onOpen();
  const settle = (): void => {
    for (let run = due.shift(); run !== undefined; run = due.shift()) run();
  };
  settle();
  if (server.active > 0) throw new Error('nothing was asked yet');

  const run = (): void => {
    for (let n = 0; n < A_TURN; n++) {
      const head = requests[asked++ & 1_023];
      if (head !== undefined) client.open(asker).sendHead(head, true);
    }
    settle();
    if (arrived !== asked) throw new Error(`${asked} asked, ${arrived} answered`);
  };
  return { run, times: [] };
}
