/** Who looks finds clients that stand still or trickle, and no others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Head } from '../head.ts';
import { RESET } from '../message.ts';
import { LIMIT } from './progress.ts';
import { GET, one, respond, send } from './test/recorder.ts';

const POST = 'POST / HTTP/1.1\r\nHost: a\r\n';
const LONG = `${POST}Content-Length: 200000\r\n\r\n`;
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;
const CRUMBS = '1\r\nx\r\n'.repeat(60);

function begin(stream: ReturnType<typeof one>['stream']): void {
  const head = Head.response(200);
  stream.sendHead(head, false);
  head.free();
}

test('a request that trickles is answered 408 at the second look; with a response under way the connection ends', () => {
  for (const [head, crumbs] of [
    [LONG, 'x'.repeat(60)],
    [CHUNKED, CRUMBS],
    [LONG, ''],
  ] as const) {
    const { s, r } = one(head);
    s.server.look();
    s.connection.feed(crumbs);
    assert.deepEqual([s.limitsFired, r.reset], [[], null]);
    s.server.look();
    assert.deepEqual(
      [s.limitsFired, r.reset, s.refused],
      [[LIMIT.trickle], RESET.protocol, [[408, 'content comes too slowly']]],
    );
    assert.match(s.connection.written, /^HTTP\/1.1 408 /);
  }
  const { s, stream, r } = one(LONG);
  begin(stream);
  s.server.look();
  s.server.look();
  assert.deepEqual([s.limitsFired, r.reset, s.connection.closed], [[LIMIT.trickle], RESET.protocol, true]);
});

test('real uploads, conversations, and whoever we have not let send are left alone', () => {
  const upload = one(LONG);
  const conversation = one(CHUNKED);
  begin(conversation.stream);
  for (let i = 0; i < 5; i++) {
    upload.s.server.look();
    conversation.s.server.look();
    upload.s.connection.feed('x'.repeat(2_000));
    upload.stream.release(2_000);
  }
  const held = one(LONG);
  held.s.connection.feed('x'.repeat(70_000));
  for (let i = 0; i < 5; i++) held.s.server.look();
  held.stream.release(70_000);
  held.s.server.look();
  for (const { s } of [upload, conversation, held]) assert.deepEqual(s.limitsFired, []);
  held.s.server.look();
  assert.deepEqual(held.s.limitsFired, [LIMIT.trickle]);
});

test('a response that nobody reads ends its connection; one that moves, however far it is behind, does not', () => {
  for (const [taken, isEnded] of [
    [0, true],
    [1_000, true],
    [2_000, false],
  ] as const) {
    const { s, stream } = one(GET);
    respond(stream, 200, '');
    s.connection.feed(GET);
    const next = s.streams[1];
    assert.ok(next !== undefined);
    begin(next);
    send(next, 'x'.repeat(100_000), false);
    s.connection.backlog = 100_000;
    for (let i = 0; i < 3; i++) {
      s.server.look();
      s.connection.backlog -= taken;
    }
    assert.deepEqual([s.limitsFired.slice(0, 1), s.connection.closed], isEnded ? [[LIMIT.stalled], true] : [[], false]);
  }
});

test('the end of a response that nobody takes ends its connection too', () => {
  const { s, stream } = one(GET);
  respond(stream, 200, 'x'.repeat(1_000));
  s.connection.backlog = 1_000;
  for (let i = 0; i < 2; i++) s.server.look();
  assert.deepEqual([s.limitsFired, s.connection.closed], [[LIMIT.stalled], true]);
});

test('for a slow application nobody is at fault', () => {
  const { s, stream } = one(GET);
  for (let i = 0; i < 10; i++) s.server.look();
  begin(stream);
  for (let i = 0; i < 10; i++) s.server.look();
  assert.deepEqual(s.limitsFired, []);
});
