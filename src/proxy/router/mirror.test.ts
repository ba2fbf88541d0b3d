import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FieldName } from '../../http/field-name.ts';
import { Head } from '../../http/head.ts';
import { RESET, type ResetReason, type Stream } from '../../http/message.ts';
import type { MirrorPolicy } from '../../snapshot/mirror-policy.ts';
import type { Attempt } from '../cluster/attempt.ts';
import { type Hops, startHops, type Version } from './test/two-hops.ts';

const MIRROR: MirrorPolicy = { cluster: 'shadow', header: null, share: 1, keepsHost: false };
const PART = Buffer.alloc(65_536, 'x');
const PARTS = 16;

/** A stream of the mirror's cluster that takes everything and has sent nothing of it yet, unless it is `quick`. */
class Sink implements Stream {
  unsent = 0;
  authority = '';
  trailers = '';
  received = 0;
  ended = false;
  reason: ResetReason | null = null;
  released = 0;
  readonly quick: boolean;

  constructor(quick: boolean) {
    this.quick = quick;
  }

  sendHead(head: Head, last: boolean): void {
    this.authority = head.authorityText;
    this.ended = last;
  }
  sendData(_bytes: Uint8Array, start: number, end: number, last: boolean): void {
    this.received += end - start;
    if (!this.quick) this.unsent += end - start;
    this.ended = last;
  }
  sendTrailers(fields: Head): void {
    this.trailers = fields.text(0);
    this.ended = true;
  }
  release(bytes: number): void {
    this.released += bytes;
  }
  discard(): void {}
  reset(reason: ResetReason): void {
    this.reason = reason;
  }
}

interface Mirrored {
  readonly hops: Hops;
  readonly attempts: Attempt[];
  count(outcome: string): number;
}

async function start(
  open: (attempt: Attempt) => void,
  parts: Partial<MirrorPolicy> = {},
  down: Version = 'h1',
): Promise<Mirrored> {
  const attempts: Attempt[] = [];
  const hops = await startHops({
    down,
    up: 'h1',
    route: { mirrors: [{ ...MIRROR, ...parts }], timeoutMs: 5_000 },
    acquireShadow: (attempt) => {
      attempts.push(attempt);
      open(attempt);
    },
  });
  return { hops, attempts, count: (outcome) => hops.telemetry.mirrored('shadow', outcome).value };
}

/** A request with 1 MiB of content, answered; the mirror may do what it wants. */
async function upload(hops: Hops): Promise<void> {
  const head = Head.request('POST', '/', 'shop');
  head.contentLength = PARTS * PART.length;
  const { stream, got } = hops.ask(head, false);
  await hops.run(() => hops.arrived.length > 0);
  const [app] = hops.arrived;
  assert.ok(app !== undefined);
  for (let i = 1; i <= PARTS; i++) {
    stream.sendData(PART, 0, PART.length, i === PARTS);
    await hops.run(() => app.got.body.length === i * PART.length);
    app.stream.release(PART.length);
  }
  assert.equal(app.got.body.length, PARTS * PART.length, 'the real request is whole');
  const answer = Head.response(200);
  app.stream.sendHead(answer, true);
  await hops.run(() => got.head !== null);
  assert.equal(got.head?.status, 200);
}

function answer(attempt: Attempt, status: number): void {
  attempt.onHead(Head.response(status), true);
}

test('a mirror that reads along gets the whole body, and its answer reaches nobody', async () => {
  const sink = new Sink(true);
  const { hops, attempts, count } = await start((attempt) => attempt.onStream(sink));
  await upload(hops);
  assert.deepEqual([sink.authority, sink.received, sink.ended], ['shop-shadow', PARTS * PART.length, true]);
  const [attempt] = attempts;
  assert.ok(attempt !== undefined);
  attempt.onHead(Head.response(200), false);
  attempt.onData(PART, 0, PART.length, false);
  assert.equal(sink.released, PART.length, 'its answer is read away');
  attempt.onData(PART, 0, 0, true);
  assert.deepEqual([count('answered'), sink.reason], [1, null]);
});

test('a mirror that is slower than the real request is given up with a bounded body, and counted', async () => {
  const sink = new Sink(false);
  const { hops, count } = await start((attempt) => attempt.onStream(sink));
  await upload(hops);
  assert.ok(sink.received <= 5 * PART.length + PART.length, `${sink.received} bytes wait`);
  assert.deepEqual([count('too-slow'), sink.reason], [1, RESET.cancelled]);
});

test('a mirror that never gets a stream keeps a bounded body and gives it back', async () => {
  const { hops, attempts, count } = await start(() => {});
  await upload(hops);
  assert.equal(count('too-slow'), 1);
  assert.ok(hops.chunks.freeBytes >= 4 * PART.length, 'what it kept is there to be used again');
  const late = new Sink(true);
  attempts[0]?.onStream(late);
  assert.equal(late.reason, RESET.cancelled);
});

test('a mirror that does not answer ends with the timeout of the route', async () => {
  const sink = new Sink(true);
  const { hops, count } = await start((attempt) => attempt.onStream(sink));
  const { got } = hops.ask(Head.request('GET', '/', 'shop'), true);
  await hops.run(() => hops.arrived.length > 0);
  hops.arrived[0]?.stream.sendHead(Head.response(204), true);
  await hops.run(() => got.head !== null);
  assert.equal(got.head?.status, 204);
  assert.equal(count('timeout'), 0);
  await hops.run(() => count('timeout') > 0);
  assert.deepEqual([count('timeout'), sink.reason], [1, RESET.cancelled]);
});

test('an answer of 5xx, a refusal and a reset are counted apart and change nothing', async () => {
  const outcomes: [string, (attempt: Attempt) => void][] = [
    ['failed', (attempt) => answer(attempt, 503)],
    ['refused', (attempt) => attempt.onRefused('UO', 'max_requests')],
    ['failed', (attempt) => attempt.onRefused('UF', 'nobody listens')],
    ['failed', (attempt) => attempt.onReset(RESET.connection)],
    ['answered', (attempt) => answer(attempt, 404)],
  ];
  for (const [outcome, act] of outcomes) {
    const { hops, count } = await start(act);
    const { got } = hops.ask(Head.request('GET', '/', 'shop'), true);
    await hops.run(() => hops.arrived.length > 0);
    hops.arrived[0]?.stream.sendHead(Head.response(200), true);
    await hops.run(() => got.head !== null);
    assert.deepEqual([got.head?.status, count(outcome)], [200, 1], outcome);
  }
});

test('a request that never becomes whole takes its mirror with it', async () => {
  const sink = new Sink(true);
  const { hops, count } = await start((attempt) => attempt.onStream(sink));
  const head = Head.request('POST', '/', 'shop');
  head.contentLength = 100;
  const { stream } = hops.ask(head, false);
  stream.sendData(PART, 0, 10, false);
  await hops.run(() => sink.received === 10);
  stream.reset(RESET.cancelled);
  await hops.run(() => count('abandoned') > 0);
  assert.deepEqual([count('abandoned'), sink.reason, sink.ended], [1, RESET.cancelled, false]);
});

test('a share of the requests is copied, and a cluster that is not there copies none', async () => {
  const some = await start((attempt) => answer(attempt, 200), { share: 0.5 });
  const none = await start((attempt) => answer(attempt, 200), { cluster: 'nowhere' });
  for (const { hops } of [some, none]) {
    for (let i = 0; i < 40; i++) {
      const { got } = hops.ask(Head.request('GET', '/', 'shop'), true);
      await hops.run(() => hops.arrived.length > i);
      hops.arrived[i]?.stream.sendHead(Head.response(200), true);
      await hops.run(() => got.head !== null);
    }
  }
  assert.ok(some.attempts.length > 5 && some.attempts.length < 35, `${some.attempts.length} of 40`);
  assert.deepEqual([none.attempts.length, none.hops.telemetry.mirrored('nowhere', 'no-cluster').value], [0, 40]);
});

test('trailers come to a mirror behind the body, whether its stream is there or comes later', async () => {
  for (const isLate of [false, true]) {
    const sink = new Sink(true);
    const { hops, attempts } = await start((attempt) => !isLate && attempt.onStream(sink), {}, 'h2');
    const { stream } = hops.ask(Head.request('POST', '/', 'shop'), false);
    stream.sendData(PART, 0, 10, false);
    const trailers = new Head();
    trailers.appendText(new FieldName('x-sum'), 'ten');
    stream.sendTrailers(trailers);
    trailers.free();
    await hops.run(() => hops.arrived[0]?.got.done === true);
    if (isLate) attempts[0]?.onStream(sink);
    assert.deepEqual([sink.received, sink.trailers, sink.ended], [10, 'ten', true], `late: ${isLate}`);
  }
});
