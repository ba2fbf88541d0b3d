import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RETRIES } from '../../../test/support/proxy-snapshots.ts';
import { CONTENT_TYPE, FieldName, UPGRADE } from '../../http/field-name.ts';
import { Head, UPGRADE_STATE } from '../../http/head.ts';
import { acceptOf } from '../../http/websocket-handshake.ts';
import { RESET, type Stream } from '../../http/message.ts';
import { type Arrived, type Hops, type HopsOptions, MIXES, startHops } from './test/two-hops.ts';

const TE = new FieldName('te');
const SUM = new FieldName('x-sum');

function send(stream: Stream, text: string, last: boolean): void {
  stream.sendData(Buffer.from(text, 'latin1'), 0, text.length, last);
}

function sendTrailers(stream: Stream, value: string): void {
  const trailers = new Head();
  trailers.appendText(SUM, value);
  stream.sendTrailers(trailers);
  trailers.free();
}

function respond(stream: Stream, status: number, last: boolean): void {
  const head = Head.response(status);
  stream.sendHead(head, last);
  head.free();
}

async function arrival(hops: Hops, index = 0): Promise<Arrived> {
  await hops.run(() => hops.arrived.length > index);
  const arrived = hops.arrived[index];
  assert.ok(arrived !== undefined, `request ${index} never arrived`);
  return arrived;
}

/** The same behaviour whatever either side speaks. */
function everyMix(name: string, options: Partial<HopsOptions>, run: (hops: Hops, mix: string) => Promise<void>): void {
  for (const [down, up] of MIXES) {
    test(`${down} → ${up}: ${name}`, async () => run(await startHops({ ...options, down, up }), `${down} → ${up}`));
  }
}

const unbounded = (method = 'POST'): Head => {
  const head = Head.request(method, '/', 'app');
  head.appendText(TE, 'trailers');
  return head;
};

everyMix('bodies and trailers pass both ways, each part as it comes', {}, async (hops) => {
  const { stream, got } = hops.ask(unbounded(), false);
  const app = await arrival(hops);
  for (const part of ['one', 'two']) {
    send(stream, part, false);
    await hops.run(() => app.got.body.endsWith(part));
    assert.ok(app.got.body.endsWith(part), 'a part of the request waits for the next');
  }
  respond(app.stream, 200, false);
  for (const part of ['event: 1\n\n', 'event: 2\n\n']) {
    send(app.stream, part, false);
    await hops.run(() => got.body.endsWith(part));
    assert.ok(got.body.endsWith(part), 'a part of the response waits for the next');
  }
  sendTrailers(stream, 'request');
  await hops.run(() => app.got.done);
  assert.deepEqual(app.got.trailers, ['x-sum=request']);
  sendTrailers(app.stream, 'response');
  await hops.run(() => got.done);
  assert.deepEqual(got.trailers, ['x-sum=response']);
  assert.deepEqual([app.got.body, got.body], ['onetwo', 'event: 1\n\nevent: 2\n\n']);
  assert.equal(hops.active(), 0);
});

everyMix('a response head passes before a byte of its body', {}, async (hops) => {
  const { got } = hops.ask(Head.request('GET', '/', 'app'), true);
  const app = await arrival(hops);
  respond(app.stream, 200, false);
  await hops.run(() => got.head !== null);
  assert.equal(got.head?.status, 200);
  assert.equal(got.done, false);
});

everyMix('1xx pass before the response, and end nothing', {}, async (hops) => {
  const { got } = hops.ask(Head.request('GET', '/', 'app'), true);
  const app = await arrival(hops);
  for (const status of [100, 103]) respond(app.stream, status, false);
  respond(app.stream, 204, true);
  await hops.run(() => got.done);
  assert.deepEqual(got.interim, [100, 103]);
  assert.equal(got.head?.status, 204);
});

everyMix('an answer before the end of the request passes, and the upload is stopped', {}, async (hops) => {
  const { stream, got } = hops.ask(unbounded(), false);
  send(stream, 'a part', false);
  const app = await arrival(hops);
  respond(app.stream, 413, true);
  await hops.run(() => got.done);
  assert.equal(got.head?.status, 413);
  await hops.run(() => app.got.reset !== null || app.got.done);
  assert.equal(hops.active(), 0);
  assert.equal(hops.telemetry.active.value, 0);
});

everyMix('an answer that begins before the end of the request does not stop the upload', {}, async (hops) => {
  const { stream, got } = hops.ask(unbounded(), false);
  const app = await arrival(hops);
  respond(app.stream, 200, false);
  send(app.stream, 'echo', false);
  await hops.run(() => got.body === 'echo');
  send(stream, 'the rest', true);
  await hops.run(() => app.got.done);
  assert.equal(app.got.body, 'the rest');
  send(app.stream, '!', true);
  await hops.run(() => got.done);
  assert.equal(got.body, 'echo!');
});

everyMix('a caller that leaves takes the request with it', {}, async (hops) => {
  const { stream } = hops.ask(Head.request('GET', '/', 'app'), true);
  const app = await arrival(hops);
  stream.reset(RESET.cancelled);
  await hops.run(() => hops.active() === 0);
  assert.equal(hops.active(), 0);
  await hops.run(() => app.got.reset !== null);
  assert.notEqual(app.got.reset, null);
});

everyMix('a response that breaks off does not look whole', {}, async (hops) => {
  const { got } = hops.ask(Head.request('GET', '/', 'app'), true);
  const app = await arrival(hops);
  respond(app.stream, 200, false);
  send(app.stream, 'half', false);
  await hops.run(() => got.body === 'half');
  app.stream.reset(RESET.cancelled);
  await hops.run(() => got.reset !== null || got.done);
  assert.notEqual(got.reset, null);
  assert.equal(got.done, false);
});

everyMix('a gRPC call whose callee breaks off ends in a status', {}, async (hops) => {
  const head = unbounded();
  head.appendText(CONTENT_TYPE, 'application/grpc');
  const { stream, got } = hops.ask(head, false);
  send(stream, '\0\0\0\0\0', true);
  const app = await arrival(hops);
  respond(app.stream, 200, false);
  send(app.stream, '\0\0\0\0\0', false);
  await hops.run(() => got.body.length === 5);
  app.stream.reset(RESET.cancelled);
  await hops.run(() => got.done);
  assert.deepEqual(got.trailers?.[0], 'grpc-status=14');
});

const WEBSOCKETS = { upgrades: ['websocket'] };

function webSocket(version: string): Head {
  const head = Head.request('GET', '/chat', 'app');
  head.appendText(UPGRADE, 'websocket');
  head.upgrade = UPGRADE_STATE.granted;
  if (version === 'h1') head.appendText(new FieldName('sec-websocket-key'), 'dGhlIHNhbXBsZSBub25jZQ==');
  return head;
}

/** As an application: the answer to the key, where there is one. */
function grant(app: Arrived, accept: string | null): void {
  const head = Head.response(101);
  head.upgrade = UPGRADE_STATE.granted;
  head.appendText(UPGRADE, 'websocket');
  if (accept !== null) head.appendText(new FieldName('sec-websocket-accept'), accept);
  app.stream.sendHead(head, false);
  head.free();
}

everyMix('a WebSocket opens, carries bytes both ways and ends in halves', { route: WEBSOCKETS }, async (hops, mix) => {
  const { stream, got } = hops.ask(webSocket(mix.slice(0, 2)), mix.startsWith('h1'));
  const app = await arrival(hops);
  const key = app.got.head?.value(new FieldName('sec-websocket-key')) ?? null;
  if (mix.endsWith('h1')) assert.notEqual(key, null, 'an HTTP/1.1 server needs a key');
  grant(app, mix.endsWith('h1') ? acceptOf(key ?? '') : null);
  await hops.run(() => got.head !== null);
  assert.equal(got.head?.status, 101);
  if (mix.startsWith('h1')) {
    assert.equal(got.head?.value(new FieldName('sec-websocket-accept')), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  }
  assert.equal(hops.telemetry.tunnels.value, 1);
  send(stream, 'ping', false);
  await hops.run(() => app.got.body === 'ping');
  send(app.stream, 'pong', false);
  await hops.run(() => got.body === 'pong');
  send(stream, '', true);
  await hops.run(() => app.got.done);
  assert.equal(app.got.done, true, 'the half close did not pass');
  send(app.stream, ' bye', true);
  await hops.run(() => got.body === 'pong bye' && hops.active() === 0);
  assert.deepEqual([got.body, hops.active(), hops.telemetry.tunnels.value], ['pong bye', 0, 0]);
});

test('h2 → h1: a server that does not know the handshake opens no WebSocket', async () => {
  for (const answer of ['wrong', null, 'plain']) {
    const hops = await startHops({ down: 'h2', up: 'h1', route: WEBSOCKETS });
    const { got } = hops.ask(webSocket('h2'), false);
    const app = await arrival(hops);
    if (answer === 'plain') respond(app.stream, 200, true);
    else grant(app, answer);
    await hops.run(() => got.head !== null || got.reset !== null);
    assert.equal(got.head?.status, 502, String(answer));
    assert.equal(hops.active(), 0);
  }
});

test('h2: an upgrade that no route lists is refused, not answered as a request', async () => {
  const hops = await startHops({ down: 'h2', up: 'h1' });
  const { got } = hops.ask(webSocket('h2'), false);
  await hops.run(() => got.head !== null);
  assert.equal(got.head?.status, 501);
  assert.equal(hops.arrived.length, 0);
});

test('a stream that the server refused costs no POST, with its body, and the connection that says goodbye none either', async () => {
  const hops = await startHops({
    down: 'h1',
    up: 'h2',
    route: { retry: { ...RETRIES, onReset: false, statusCodes: [], retries: 1 } },
  });
  const { stream, got } = hops.ask(unbounded(), false);
  send(stream, 'the ', false);
  const first = await arrival(hops);
  await hops.run(() => first.got.body === 'the ');
  first.stream.reset(RESET.refused);
  const second = await arrival(hops, 1);
  send(stream, 'body', true);
  await hops.run(() => second.got.done);
  assert.equal(second.got.body, 'the body');
  respond(second.stream, 200, true);
  await hops.run(() => got.done);
  assert.equal(got.head?.status, 200);
});

test('a POST that a server may have seen is not sent again', async () => {
  const hops = await startHops({
    down: 'h2',
    up: 'h2',
    route: { retry: { ...RETRIES, onReset: false, statusCodes: [] } },
  });
  const { stream, got } = hops.ask(unbounded(), false);
  send(stream, 'the body', true);
  const first = await arrival(hops);
  first.stream.reset(RESET.cancelled);
  await hops.run(() => got.done);
  assert.equal(got.head?.status, 503);
  assert.equal(hops.arrived.length, 1);
});

test('once a response has begun nothing of the request is kept for another try', async () => {
  const hops = await startHops({ down: 'h2', up: 'h2', route: { retry: RETRIES } });
  const { stream, got } = hops.ask(unbounded(), false);
  send(stream, 'the body', false);
  const app = await arrival(hops);
  await hops.run(() => app.got.body !== '');
  assert.equal(hops.chunks.freeBytes, 0, 'it is kept until then');
  respond(app.stream, 200, false);
  await hops.run(() => got.head !== null);
  const { freeBytes } = hops.chunks;
  assert.ok(freeBytes > 0);
  send(stream, ', more of it', false);
  await hops.run(() => app.got.body.endsWith('it'));
  assert.equal(hops.chunks.freeBytes, freeBytes);
});
